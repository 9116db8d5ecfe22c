/* A driver that imports no registration function and takes them by name when it starts. */
#include <ntddk.h>

typedef NTSTATUS (NTAPI *routine)(void *, void *);

static routine by_name(const wchar_t *name)
{
    UNICODE_STRING text;
    RtlInitUnicodeString(&text, name);
    return (routine)MmGetSystemRoutineAddress(&text);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    routine process = by_name(L"PsSetCreateProcessNotifyRoutineEx2");
    routine objects = by_name(L"ObRegisterCallbacks");
    if (process)
        process(driver, NULL);
    return objects ? objects(driver, NULL) : STATUS_UNSUCCESSFUL;
}
