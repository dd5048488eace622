/* The twin of reserved.c: committed memory takes the write. */
#include <stdio.h>
#include <windows.h>

int main(void)
{
    BYTE *memory = VirtualAlloc(NULL, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    printf("committed: %s\n", memory ? "yes" : "no");
    memory[1] = 0x31;
    printf("memory[0..2] = %02X %02X %02X\n", memory[0], memory[1], memory[2]);
    return 0;
}
