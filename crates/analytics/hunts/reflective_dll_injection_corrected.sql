+++
id = "reflective_dll_injection_corrected"
title = "Reflective DLL injection: rights to write and to start a thread, then a thread"
technique = ["T1055.001", "T1620"]
level = "high"
actor = "actor"
target = "target"
sees = "A process that opened another with the six rights 0x143A (event 10) and started a thread in that same process (event 8)."
cannot_see = """
- An injector that asks for less: the kernel needs no more than 0x002A (CREATE_THREAD, VM_OPERATION, VM_WRITE) for the calls of this technique. The hunt remote_thread_without_start_module does not look at rights.
- Injection without a new thread: asynchronous procedure calls, hijacked threads, window messages.
- A handle that was inherited or duplicated: only opening one gives event 10.
- Code that runs in csrss.exe and starts its thread at CtrlRoutine: that pair is left out.
- What the Sysmon configuration does not record: event 10 and event 8 of both processes are needed.
"""
false_positives = """
- Injection that is wanted: debuggers, profilers, endpoint agents, accessibility tools, and mavinject.exe of App-V (0x10143a, LoadLibraryW).
- A process that starts a thread in a child it created: the creator's handle has every right.
"""
notes = """
0x143A = CREATE_THREAD 0x0002 | VM_OPERATION 0x0008 | VM_READ 0x0010 | VM_WRITE 0x0020 | QUERY_INFORMATION 0x0400 |
QUERY_LIMITED_INFORMATION 0x1000, the rights the publication lists. Asking for QUERY_INFORMATION alone is enough for the
last one to show: the kernel adds it, and event 10 has what was granted.

The pair is joined on the target as well, so each row is one open and one thread of the same two processes. A module on
the start address (LoadLibrary in kernel32) is DLL injection of the older kind; a `-` there is code that no module holds.

Left out: csrss.exe starting a thread at CtrlRoutine. That is how Windows delivers a console's close, with the full handle
csrss has to each process it saw start.
"""
source = "Corrected from the hunt reflective_dll_injection_published; rights from the documentation of the calls (process security and access rights)"
+++
SELECT
    coalesce(b.event_date_creation, b.`@timestamp`) AS time,
    b.host_name AS host,
    b.process_path AS actor,
    b.process_id AS actor_id,
    b.process_target_path AS target,
    b.process_target_id AS target_id,
    a.process_granted_access AS granted_access,
    b.thread_new_id,
    b.thread_start_address,
    b.thread_start_module,
    b.thread_start_function,
    b.source_file AS evidence_file_1,
    b.record_number AS evidence_record_1,
    b.source_offset AS evidence_offset_1,
    a.source_file AS evidence_file_2,
    a.record_number AS evidence_record_2,
    a.source_offset AS evidence_offset_2
FROM sysmon_events b
INNER JOIN (
    SELECT process_granted_access, process_guid, process_target_guid, source_file, record_number, source_offset
    FROM sysmon_events
    WHERE event_id = 10
        AND (process_granted_access & 5178) == 5178 -- 5178 is 0x143A
) a
ON a.process_guid = b.process_guid
    AND a.process_target_guid = b.process_target_guid
WHERE b.event_id = 8
    AND NOT (
        lower(coalesce(b.process_path, '')) = 'c:\\windows\\system32\\csrss.exe'
        AND coalesce(b.thread_start_function, '') = 'CtrlRoutine'
    )
