+++
id = "reflective_dll_injection_call_trace"
title = "Process opened for writing from code outside every module"
technique = ["T1055", "T1620"]
level = "high"
actor = "actor"
target = "target"
sees = "A process opened another with a right to write its memory, change its layout or start a thread in it (event 10), and a frame of the call stack lay in memory that no module holds (UNKNOWN in CallTrace)."
cannot_see = """
- Code that was loaded as a module, or that calls through one: stack spoofing, module stomping, a hollowed DLL.
- Frames beyond the sensor's limit: it keeps 24 on 64-bit Windows, 16 on 32-bit.
- An injector whose child the target is: the handle that creating a process gives (0x1fffff) is left out.
- A handle that was inherited or duplicated: only opening one gives event 10.
"""
false_positives = """
- Code compiled as it runs. A .NET program that touches the Handle of a Process object asks for every right: an inventory script gave 0x1f3fff to some hundred processes in a public recording.
- Task Manager writing a dump (0x1fffff).
- Obfuscated or packed programs of honest makers, anti-cheat drivers' helpers, script engines.
"""
notes = """
Rights asked for: one of CREATE_THREAD 0x0002, VM_OPERATION 0x0008, VM_WRITE 0x0020, together 0x002A. Reading alone (0x0010,
0x1410) is what inventory tools ask for, from JIT code too, and is no injection.

Direct system calls show here as well: the first frame is then outside ntdll.

Left out is the pair of a creator and its child where the mask is exactly 0x1fffff and event 1 names the creator as the
parent: CreateProcess gives that handle. An open of the same child with another mask stays.
"""
source = "Scotoma; after the recorded call traces of public injection data sets and the sensor's documentation of CallTrace"
+++
SELECT
    coalesce(a.event_date_creation, a.`@timestamp`) AS time,
    a.host_name AS host,
    a.process_path AS actor,
    a.process_id AS actor_id,
    a.process_target_path AS target,
    a.process_target_id AS target_id,
    a.process_granted_access AS granted_access,
    a.process_call_trace AS call_trace,
    a.source_file AS evidence_file_1,
    a.record_number AS evidence_record_1,
    a.source_offset AS evidence_offset_1
FROM sysmon_events a
LEFT JOIN (
    SELECT DISTINCT process_guid, process_parent_guid
    FROM sysmon_events
    WHERE event_id = 1
) c
ON c.process_guid = a.process_target_guid
    AND c.process_parent_guid = a.process_guid
WHERE a.event_id = 10
    AND a.process_call_trace LIKE '%UNKNOWN(%'
    AND (a.process_granted_access & 42) != 0 -- 42 is 0x002A: CREATE_THREAD | VM_OPERATION | VM_WRITE
    AND (c.process_guid IS NULL OR a.process_granted_access != 2097151) -- 2097151 is 0x1fffff
