//! A document that starts PowerShell.

use crate::model::host::{Account, Host, Process};
use crate::model::program;
use crate::model::time::SECOND;

/// Word opens a document and starts PowerShell with an encoded command, which is returned running. The command says
/// `Write-Output 'sample'`.
pub(crate) fn document(host: &mut Host, at: i64, shell: &Process, user: Account) -> Process {
    let word = host.start(
        at,
        shell,
        program::WORD,
        r#""C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "C:\Users\user1\Downloads\invoice.docm""#,
        user,
    );
    host.load(
        at + SECOND,
        &word,
        r"C:\Program Files\Microsoft Office\root\vfs\ProgramFilesCommonX64\Microsoft Shared\VBA\VBA7.1\VBE7.DLL",
        "Visual Basic Design Time Environment",
    );
    let powershell = host.start(
        at + 12 * SECOND,
        &word,
        program::POWERSHELL,
        "powershell.exe -nop -w 1 -enc VwByAGkAdABlAC0ATwB1AHQAcAB1AHQAIAAnAHMAYQBtAHAAbABlACcA",
        user,
    );
    host.script(at + 14 * SECOND, &powershell, "Write-Output 'sample'");
    powershell
}
