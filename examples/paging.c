/*
 * Uses four times as much memory as the machine of the tests has, in random order, and finds every byte as it was left. Nothing of
 * what it prints depends on how much RAM there is.
 */
#include <stdio.h>
#include <windows.h>

enum { PAGE = 4096, PAGES = 4 * (64 << 20) / PAGE };

static unsigned long long state = 88172645463325252ull;

static unsigned long long next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static unsigned long long pattern(unsigned page)
{
    return (page + 1) * 0x9E3779B97F4A7C15ull;
}

static unsigned order[PAGES];

static void shuffle(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        order[i] = i;
    }
    for (unsigned i = PAGES - 1; i > 0; i--) {
        unsigned j = next() % (i + 1), page = order[i];
        order[i] = order[j];
        order[j] = page;
    }
}

int main(void)
{
    char *memory = VirtualAlloc(NULL, (SIZE_T)PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!memory) {
        printf("VirtualAlloc failed, error %lu\n", GetLastError());
        return 1;
    }
    shuffle();
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned page = order[i];
        unsigned long long *words = (unsigned long long *)(memory + (size_t)page * PAGE);
        words[page % 512] = pattern(page);
    }
    shuffle();
    unsigned wrong = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned page = order[i];
        unsigned long long *words = (unsigned long long *)(memory + (size_t)page * PAGE);
        wrong += words[page % 512] != pattern(page) || words[(page + 1) % 512] != 0;
    }
    printf("%u pages, %u wrong\n", PAGES, wrong);
    printf("released: %d\n", VirtualFree(memory, 0, MEM_RELEASE));
    return wrong != 0;
}
