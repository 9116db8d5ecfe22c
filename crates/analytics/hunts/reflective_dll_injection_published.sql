+++
id = "reflective_dll_injection_published"
title = "Reflective DLL injection, as published"
technique = ["T1055.001"]
level = "medium"
actor = "actor"
target = "target"
sees = "A process that started a thread in another process (event 8) and that opened some process, not necessarily the same one, with the rights 0x1440 (event 10)."
cannot_see = """
- An injector that asks for the rights it needs and not for PROCESS_DUP_HANDLE: 0x143A does not hold 0x1440.
- Injection without a new thread: asynchronous procedure calls, hijacked threads, window messages.
- A handle that was inherited or duplicated: only opening one gives event 10.
- What the Sysmon configuration does not record: event 10 and event 8 of both processes are needed.
"""
false_positives = """
- A process that opens one process with many rights and starts a thread in another: the join asks for the same actor only.
- csrss.exe: it has every right to each process it saw start, and it starts a thread (CtrlRoutine) to deliver a console's close.
- Whoever creates a process has 0x1fffff to it; together with any remote thread that is enough.
"""
notes = """
The conditions are those of the publication, unchanged; only the evidence columns were added. It gives one row for each
pair of an open and a thread, so its count says little.

The mask of the publication does not hold what its text says. The six rights it lists (CREATE_THREAD 0x0002,
VM_OPERATION 0x0008, VM_READ 0x0010, VM_WRITE 0x0020, QUERY_INFORMATION 0x0400, QUERY_LIMITED_INFORMATION 0x1000) sum to
0x143A (5178). 0x1440 (5184) is QUERY_LIMITED_INFORMATION, QUERY_INFORMATION and DUP_HANDLE (0x0040): none of the rights
to write or to start a thread. A later version of the article has 5178. The hunt reflective_dll_injection_corrected is the corrected one.
"""
source = "Uncovering The Unknowns: Mapping Windows APIs to Sysmon Events (article, first version of its hunt over sysmon_events)"
+++
SELECT
    coalesce(b.event_date_creation, b.`@timestamp`) AS time,
    b.host_name AS host,
    b.process_path AS actor,
    a.process_id AS actor_id,
    b.process_target_path AS target,
    b.process_target_id AS target_id,
    a.process_granted_access AS granted_access,
    b.thread_new_id,
    b.thread_start_address,
    b.thread_start_module,
    b.source_file AS evidence_file_1,
    b.record_number AS evidence_record_1,
    b.source_offset AS evidence_offset_1,
    a.source_file AS evidence_file_2,
    a.record_number AS evidence_record_2,
    a.source_offset AS evidence_offset_2
FROM sysmon_events b
INNER JOIN (
    SELECT event_id, process_granted_access, process_guid, process_id, source_file, record_number, source_offset
    FROM sysmon_events
    WHERE event_id = 10
        AND (process_granted_access & 5184) == 5184 -- 5184 is 0x1440
) a
ON a.process_guid = b.process_guid
WHERE b.event_id = 8
