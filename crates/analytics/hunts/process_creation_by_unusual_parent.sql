+++
id = "process_creation_by_unusual_parent"
title = "Shell or script host started by a process that seldom does"
technique = ["T1059", "T1204.002", "T1505.003"]
level = "medium"
actor = "actor"
target = "target"
sees = "Event 1 where an office program, a reader, a browser, a server, a script host for documents or a core process of Windows started a shell, a script host or one of the programs that run other people's code."
cannot_see = """
- A parent that was chosen for show: CreateProcess lets the caller name another process as the parent.
- A program that was copied under another name: both sides go by file name.
- Starts through a third party: WMI, the task scheduler, COM. Their usual parents (WmiPrvSE.exe, svchost.exe, taskeng.exe) are not in the list because management software does the same all day.
- Code that runs inside the parent and starts nothing.
"""
false_positives = """
- Add-ins, report generators and license helpers of office programs that use cmd.exe.
- Browsers that start a registered protocol handler or a native messaging host through cmd.exe.
- Web and database servers that run maintenance jobs (xp_cmdshell, build servers under Tomcat).
- Logon scripts: wscript.exe starting cmd.exe or powershell.exe.
- spoolsv.exe starting rundll32.exe for a printer driver's dialog.
"""
notes = """
Parents, by kind:
document   winword excel powerpnt outlook msaccess mspub visio onenote eqnedt32 acrord32 acrobat foxitreader hh wordpad
browser    chrome msedge firefox iexplore brave opera
server     w3wp httpd nginx php-cgi tomcat6 to tomcat10 sqlservr oracle mysqld postgres umworkerprocess
script     mshta wscript cscript
core       lsass spoolsv winlogon wininit smss csrss services dwm fontdrvhost notepad calc
Children: cmd powershell pwsh wscript cscript mshta rundll32 regsvr32 certutil bitsadmin msbuild installutil wmic.

services.exe starting a shell is a service whose command is a shell: the trace of remote execution through the service
manager. notepad and calc stand for programs that code is injected into and that start nothing themselves.
"""
source = "Scotoma; ATT&CK T1204.002 and T1505.003, and the parent processes of public recordings"
+++
SELECT
    coalesce(event_date_creation, `@timestamp`) AS time,
    host_name AS host,
    process_parent_path AS actor,
    process_parent_id AS actor_id,
    process_path AS target,
    process_id AS target_id,
    CASE
        WHEN lower(process_parent_name) IN ('w3wp.exe', 'httpd.exe', 'nginx.exe', 'php-cgi.exe', 'tomcat6.exe', 'tomcat7.exe', 'tomcat8.exe', 'tomcat9.exe', 'tomcat10.exe', 'sqlservr.exe', 'oracle.exe', 'mysqld.exe', 'postgres.exe', 'umworkerprocess.exe') THEN 'server'
        WHEN lower(process_parent_name) IN ('chrome.exe', 'msedge.exe', 'firefox.exe', 'iexplore.exe', 'brave.exe', 'opera.exe') THEN 'browser'
        WHEN lower(process_parent_name) IN ('mshta.exe', 'wscript.exe', 'cscript.exe') THEN 'script'
        WHEN lower(process_parent_name) IN ('lsass.exe', 'spoolsv.exe', 'winlogon.exe', 'wininit.exe', 'smss.exe', 'csrss.exe', 'services.exe', 'dwm.exe', 'fontdrvhost.exe', 'notepad.exe', 'calc.exe') THEN 'core'
        ELSE 'document'
    END AS parent_kind,
    process_command_line AS command_line,
    process_parent_command_line AS parent_command_line,
    user_account,
    source_file AS evidence_file_1,
    record_number AS evidence_record_1,
    source_offset AS evidence_offset_1
FROM sysmon_events
WHERE event_id = 1
    AND lower(process_parent_name) IN (
        'winword.exe', 'excel.exe', 'powerpnt.exe', 'outlook.exe', 'msaccess.exe', 'mspub.exe', 'visio.exe', 'onenote.exe',
        'eqnedt32.exe', 'acrord32.exe', 'acrobat.exe', 'foxitreader.exe', 'hh.exe', 'wordpad.exe',
        'chrome.exe', 'msedge.exe', 'firefox.exe', 'iexplore.exe', 'brave.exe', 'opera.exe',
        'w3wp.exe', 'httpd.exe', 'nginx.exe', 'php-cgi.exe', 'tomcat6.exe', 'tomcat7.exe', 'tomcat8.exe', 'tomcat9.exe',
        'tomcat10.exe', 'sqlservr.exe', 'oracle.exe', 'mysqld.exe', 'postgres.exe', 'umworkerprocess.exe',
        'mshta.exe', 'wscript.exe', 'cscript.exe',
        'lsass.exe', 'spoolsv.exe', 'winlogon.exe', 'wininit.exe', 'smss.exe', 'csrss.exe', 'services.exe', 'dwm.exe',
        'fontdrvhost.exe', 'notepad.exe', 'calc.exe'
    )
    AND lower(process_name) IN (
        'cmd.exe', 'powershell.exe', 'pwsh.exe', 'wscript.exe', 'cscript.exe', 'mshta.exe', 'rundll32.exe', 'regsvr32.exe',
        'certutil.exe', 'bitsadmin.exe', 'msbuild.exe', 'installutil.exe', 'wmic.exe'
    )
