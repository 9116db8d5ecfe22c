/* A legacy file system filter: it waits for file systems, attaches, and watches requests complete. */
#include <ntddk.h>

NTSTATUS NTAPI IoRegisterFsRegistrationChange(PDRIVER_OBJECT driver, void *routine);

static void NTAPI on_file_system(PDEVICE_OBJECT device, BOOLEAN active)
{
    IoSetCompletionRoutineEx(device, NULL, NULL, NULL, TRUE, TRUE, TRUE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    return IoRegisterFsRegistrationChange(driver, on_file_system);
}
