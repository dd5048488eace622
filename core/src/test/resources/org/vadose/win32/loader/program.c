/* See first.c. */
#include <windows.h>

__declspec(dllimport) int first_value(void);
__declspec(dllimport) int chain(void);
__declspec(dllimport) int NotImplementedAnywhere(void);

void start(void) {
    ExitProcess(first_value() + chain() + NotImplementedAnywhere());
}
