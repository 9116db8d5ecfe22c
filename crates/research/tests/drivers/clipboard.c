/* A library that listens to the clipboard. */
#include <windows.h>

__declspec(dllexport) BOOL listen_to(HWND window)
{
    return AddClipboardFormatListener(window);
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved)
{
    return TRUE;
}
