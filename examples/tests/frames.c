#include <windows.h>
#include <stdio.h>
#include <setjmp.h>
static jmp_buf jb;
long hnd(EXCEPTION_POINTERS*p,void*f){EXCEPTION_RECORD*r=p->ExceptionRecord;printf("hnd %lx %lx\n",r->ExceptionCode,r->ExceptionFlags);fflush(stdout);if(!(r->ExceptionFlags&2))longjmp(jb,1);return ExceptionContinueSearch;}
__attribute__((noinline)) void foo(int k){ __try1(hnd)
 if(k)*(volatile int*)0=k; else puts("fine");
 __except1
}
int main(void){foo(0);if(!setjmp(jb))foo(1);else puts("back");if(!setjmp(jb))foo(1);else puts("back2");return 0;}
