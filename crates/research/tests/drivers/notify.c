/* A driver that registers for process, thread, image, handle and registry callbacks. */
#include <ntddk.h>

static void NTAPI on_process(PEPROCESS process, HANDLE id, PPS_CREATE_NOTIFY_INFO info) {}
static void NTAPI on_thread(HANDLE process, HANDLE thread, BOOLEAN created) {}
static void NTAPI on_image(PUNICODE_STRING name, HANDLE process, PIMAGE_INFO info) {}
static NTSTATUS NTAPI on_registry(PVOID context, PVOID kind, PVOID details) { return STATUS_SUCCESS; }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    static UNICODE_STRING altitude;
    static LARGE_INTEGER cookie;
    static PVOID handle;
    static OB_CALLBACK_REGISTRATION registration;
    PsSetCreateProcessNotifyRoutineEx(on_process, FALSE);
    PsSetCreateThreadNotifyRoutine(on_thread);
    PsSetLoadImageNotifyRoutine(on_image);
    CmRegisterCallbackEx(on_registry, &altitude, driver, NULL, &cookie, NULL);
    return ObRegisterCallbacks(&registration, &handle);
}
