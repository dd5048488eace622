// C++ exceptions: thrown through frames with destructors, rethrown, from a constructor, in a handler, uncaught.
#include <stdio.h>
#include <stdlib.h>

struct Noisy {
    int number;
    explicit Noisy(int n) : number(n) { printf("+%d\n", number); if (n < 0) throw "negative"; }
    ~Noisy() { printf("-%d\n", number); }
};

static int deep(int n) {
    Noisy noisy(n);
    if (n == 0) throw 7;
    return deep(n - 1) + 1;
}

struct Base { virtual ~Base() {} };
struct Derived : Base { int value = 42; };

int main() {
    setvbuf(stdout, 0, _IONBF, 0);
    try { deep(3); } catch (int e) { printf("caught %d\n", e); }
    try {
        try { throw 5; } catch (int x) { printf("first %d\n", x); throw; }
    } catch (...) { puts("again"); }
    try { Noisy noisy(1); Noisy bad(-1); } catch (const char *why) { puts(why); }
    try {
        try { throw Derived(); } catch (Base &b) { printf("%d\n", dynamic_cast<Derived &>(b).value); throw 2.5; }
    } catch (double d) { printf("%.1f\n", d); }
    for (int i = 0; i < 50; i++) {
        try { if (i % 2) throw i; throw (long) i; } catch (int odd) { if (odd != i) puts("wrong"); } catch (long even) { if (even != i) puts("wrong"); }
    }

    throw 1;
}
