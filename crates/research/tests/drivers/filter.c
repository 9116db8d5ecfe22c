/* A minifilter. The DDK headers of mingw-w64 have no fltkernel.h, so the three functions are declared here. */
#include <ntddk.h>

NTSTATUS NTAPI FltRegisterFilter(PDRIVER_OBJECT driver, const void *registration, void **filter);
NTSTATUS NTAPI FltStartFiltering(void *filter);
void NTAPI FltUnregisterFilter(void *filter);

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    static const char registration[256];
    void *filter;
    NTSTATUS status = FltRegisterFilter(driver, registration, &filter);
    if (!NT_SUCCESS(status))
        return status;
    status = FltStartFiltering(filter);
    if (!NT_SUCCESS(status))
        FltUnregisterFilter(filter);
    return status;
}
