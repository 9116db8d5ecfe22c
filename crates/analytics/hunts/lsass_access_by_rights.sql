+++
id = "lsass_access_by_rights"
title = "LSASS opened with a right to read, copy or change it"
technique = ["T1003.001"]
level = "high"
actor = "actor"
target = "target"
sees = "A process opened lsass.exe (event 10) with a right that lets it read its memory, fork it, take its handles, write to it or start a thread in it."
cannot_see = """
- A handle that somebody else opened and this process duplicated: the open shows the owner of the handle, not LSASS.
- A handle opened with 0x1000 and raised afterwards.
- Reading that needs no open: a driver, a raw disk or hibernation file, a plug-in that LSASS itself loads, dumping by error reporting.
- A program that took the path of one of the two left out below, or code inside one of them.
"""
false_positives = """
- WmiPrvSE.exe with 0x1410, for process inventories.
- Task Manager, Process Explorer and other tools an administrator runs.
- Antimalware and endpoint agents other than Defender; backup and credential products.
- PowerShell with administrator rights listing processes (0x1410, 0x1f3fff).
"""
notes = """
Rights: VM_READ 0x0010, VM_WRITE 0x0020, DUP_HANDLE 0x0040, CREATE_PROCESS 0x0080 (enough to fork it), CREATE_THREAD 0x0002;
one of them, together 0x00F2. MiniDumpWriteDump needs 0x0410 and shows as 0x1410; the mask of many tools is 0x1010; comsvcs
and Task Manager ask for everything.

Left out: wininit.exe and csrss.exe with exactly 0x1fffff (they start LSASS), and Defender's engine from its own folders
where it asks for no right to write or to start threads (0x002A). Those folders can be written by TrustedInstaller and
by administrators who take them over; a name alone leaves nothing out.
"""
source = "Scotoma; documented rights of MiniDumpWriteDump, ReadProcessMemory and process snapshots; checked on public dump recordings"
+++
SELECT
    coalesce(event_date_creation, `@timestamp`) AS time,
    host_name AS host,
    process_path AS actor,
    process_id AS actor_id,
    process_target_path AS target,
    process_target_id AS target_id,
    process_granted_access AS granted_access,
    process_call_trace AS call_trace,
    source_file AS evidence_file_1,
    record_number AS evidence_record_1,
    source_offset AS evidence_offset_1
FROM sysmon_events
WHERE event_id = 10
    AND lower(process_target_name) = 'lsass.exe'
    AND (process_granted_access & 242) != 0 -- 242 is 0x00F2
    AND NOT (
        lower(coalesce(process_path, '')) IN ('c:\\windows\\system32\\wininit.exe', 'c:\\windows\\system32\\csrss.exe')
        AND process_granted_access = 2097151 -- 0x1fffff
    )
    AND NOT (
        lower(coalesce(process_name, '')) = 'msmpeng.exe'
        AND (
            instr(lower(coalesce(process_path, '')), 'c:\\programdata\\microsoft\\windows defender\\platform\\') = 1
            OR lower(coalesce(process_path, '')) = 'c:\\program files\\windows defender\\msmpeng.exe'
        )
        AND (process_granted_access & 42) = 0 -- 0x002A
    )
