/* A user-mode sensor: it consumes an ETW provider, and binds the event log functions at the first call. */
#include <windows.h>
#include <wmistr.h>
#include <evntrace.h>

/* Microsoft-Windows-DNS-Client */
static const GUID provider = {0x1c95126e, 0x7eea, 0x49a9, {0xa3, 0xfe, 0xa3, 0x78, 0xb0, 0x3d, 0xdb, 0x4d}};

__declspec(dllimport) HANDLE WINAPI EvtSubscribe(HANDLE, HANDLE, const wchar_t *, const wchar_t *, HANDLE, void *, void *, DWORD);

int main(void)
{
    static EVENT_TRACE_PROPERTIES properties;
    static EVENT_TRACE_LOGFILEW log;
    TRACEHANDLE session, trace;
    StartTraceW(&session, L"test", &properties);
    EnableTraceEx2(session, &provider, 1, 5, ~0ull, 0, 0, NULL);
    trace = OpenTraceW(&log);
    EvtSubscribe(NULL, NULL, L"Security", L"*", NULL, NULL, NULL, 1);
    return (int)ProcessTrace(&trace, 1, NULL, NULL);
}
