+++
id = "remote_thread_without_start_module"
title = "Thread started in another process where no module lies"
technique = ["T1055"]
level = "high"
actor = "actor"
target = "target"
sees = "A process started a thread in another one (event 8), and the start address was in no module of the target."
cannot_see = """
- A thread that starts in a module: at LoadLibrary, at a gadget, in a stomped module.
- Injection without a new thread: asynchronous procedure calls, hijacked threads, window messages.
- A thread that a process starts in itself.
- What the Sysmon configuration does not record: many keep event 8 for few programs only.
"""
false_positives = """
- dwm.exe into csrss.exe when a remote desktop session starts (seen in a public recording).
- A target that is only just starting: its list of modules is not built yet.
- Debuggers, profilers, endpoint agents and anti-cheat software that inject code on purpose.
"""
notes = """
The sensor finds the module by the start address in the target's list of loaded modules. It writes `-` where there is none,
older versions an empty text. No rights are asked about here, so an injector with the least rights shows too, and one whose
open was not recorded.
"""
source = "Scotoma; the sensor's documentation of event 8 (StartModule)"
+++
SELECT
    coalesce(event_date_creation, `@timestamp`) AS time,
    host_name AS host,
    process_path AS actor,
    process_id AS actor_id,
    process_target_path AS target,
    process_target_id AS target_id,
    thread_new_id,
    thread_start_address,
    source_file AS evidence_file_1,
    record_number AS evidence_record_1,
    source_offset AS evidence_offset_1
FROM sysmon_events
WHERE event_id = 8
    AND coalesce(thread_start_module, '') IN ('', '-')
