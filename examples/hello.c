/* Prints its arguments; the exit code is their number. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    printf("Hello from Windows memory, %d argument%s\n", argc - 1, argc == 2 ? "" : "s");
    for (int i = 1; i < argc; i++)
        printf("  %2d: \"%s\"\n", i, argv[i]);
    printf("pi is nearly %.4f, 0x%08X, %-6s|%6s|\n", 355.0 / 113.0, 0xC0000005u, "left", "right");
    char *heap = malloc(100000);
    heap[99999] = '!';
    printf("a heap block holds '%c'\n", heap[99999]);
    free(heap);
    return argc - 1;
}
