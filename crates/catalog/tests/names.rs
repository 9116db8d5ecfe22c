//! Names that engineers ask for resolve, even where the answer is that no arrow is known.
#![allow(clippy::unwrap_used)]

/// By family: memory, threads and callbacks, processes and tokens, credentials, services and tasks, WMI, registry and files,
/// network, input, the sensors' side.
const ASKED: &str = "VirtualAllocExNuma NtCreateThread NtGetNextThread MapViewOfFileEx ConvertThreadToFiber CreateFiber \
SwitchToFiber TpAllocWork TpPostWork RtlRegisterWait RtlCreateUserProcess RtlCloneUserProcess HeapCreate RtlMoveMemory \
NtCreateThreadEx RtlCreateHeap VirtualAlloc2FromApp NtMapViewOfSectionEx NtLockVirtualMemory NtQueueApcThreadEx2 \
EnumWindows EnumSystemLocales EnumChildWindows CallWindowProc SetTimer CertEnumSystemStore EnumDesktops EnumFontFamilies \
CreateTimerQueueTimer AddVectoredExceptionHandler RtlAddVectoredExceptionHandler SetUnhandledExceptionFilter \
ShellExecute ShellExecuteEx WinExec Module32First Module32Next Thread32First Thread32Next Heap32ListFirst RevertToSelf \
RpcImpersonateClient CoImpersonateClient RtlAdjustPrivilege CreateRestrictedToken CheckTokenMembership NtCreateToken \
NtFilterToken LogonUserEx CreateProcessWithLogonW CreateProcessWithTokenW CreateProcessAsUserW NtCreateLowBoxToken \
CryptUnprotectData CryptProtectData LsaRetrievePrivateData LsaStorePrivateData LsaOpenPolicy SamConnect SamEnumerateUsersInDomain \
DRSGetNCChanges DsGetNCChanges VaultEnumerateItems VaultGetItem VaultOpenVault CredUIPromptForCredentials CredWrite CredDelete \
LsaEnumerateLogonSessions LsaGetLogonSessionData NetUserGetInfo NetGroupGetUsers EnumServicesStatusEx EnumServicesStatus \
QueryServiceConfig NotifyServiceStatusChange SetServiceObjectSecurity ITaskService ITaskService::Connect ITaskFolder::GetTask \
IWbemServices::ExecQuery IWbemServices::ExecMethod IWbemLocator IBackgroundCopyManager::CreateJob FilterLoad FilterAttach \
FwpsCalloutRegister3 FwpmFilterAdd0 NtLoadDriver ZwUnloadDriver IoCreateDevice ObRegisterCallbacks CmRegisterCallbackEx \
RegSaveKeyEx RegRestoreKey RegReplaceKey RegConnectRegistry RegEnumValue RegQueryInfoKey RegLoadAppKey NtSetValueKey \
RegNotifyChangeKeyValue CreateSymbolicLink ReplaceFile SHFileOperation SetFileAttributes FindFirstFile FindNextFile \
CreateMailslot GetTempFileName SetEndOfFile LockFileEx ReadDirectoryChangesW BackupRead CopyFileEx MoveFileWithProgress \
CreateTransaction NtSetEaFile CreateVirtualDisk AttachVirtualDisk socket bind listen send recv connect accept WSASocket \
WSAConnect sendto recvfrom InternetOpen InternetOpenUrl InternetReadFile HttpSendRequest WinHttpOpen WinHttpSendRequest \
URLDownloadToFile DnsQueryRaw DnsQuery_W DnsQueryEx getaddrinfo NetLocalGroupAddMembers NetSessionEnum NetWkstaUserEnum \
NetServerEnum WNetOpenEnum GetExtendedTcpTable IcmpSendEcho ldap_search_s RegisterRawInputDevices SendInput BitBlt keybd_event \
GetKeyState GetForegroundWindow SetWindowsHookEx GetKeyboardState PrintWindow EtwEventWrite NtTraceEvent NtTraceControl \
StartTrace EnableTraceEx2 AuditSetSystemPolicy AmsiScanBuffer AmsiInitialize EvtExportLog EvtSubscribe \
IoRegisterShutdownNotification PsRegisterAltSystemCallHandler PsSetCreateProcessNotifyRoutineEx CLRCreateInstance \
CorBindToRuntimeEx LdrGetProcedureAddress LdrLoadDll GetProcAddress IsDebuggerPresent CheckRemoteDebuggerPresent \
NtQuerySystemInformation NtSetInformationProcess NtSuspendProcess NtRaiseHardError ExitWindowsEx InitiateSystemShutdownEx \
SystemParametersInfo GetComputerName GetUserName GetSystemInfo GetVersionEx GetTickCount QueryPerformanceCounter";

#[test]
fn nineteen_of_twenty_names_resolve() {
    let asked: Vec<&str> = ASKED.split_whitespace().collect();
    println!("{} asked", asked.len());
    let unknown: Vec<_> = asked
        .iter()
        .filter(|name| catalog::find(name).is_empty())
        .collect();
    assert!(unknown.len() * 20 <= asked.len(), "{unknown:?}");
    // And none of these is a name.
    for name in ["CreateRemoteTread", "NtDoNothing", "VirtualAllocExNumaW2"] {
        assert!(catalog::find(name).is_empty(), "{name}");
    }
}
