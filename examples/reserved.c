/* Reserved is not committed: the write ends the program with an access violation (exit code 0xC0000005). */
#include <stdio.h>
#include <windows.h>

int main(void)
{
    BYTE *memory = VirtualAlloc(NULL, 0x1000, MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    printf("reserved: %s\n", memory ? "yes" : "no");
    fflush(stdout);
    memory[1] = 0x31;
    printf("the write went through\n");
    return 0;
}
