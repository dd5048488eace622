// Threads, locks, events, mutexes, semaphores, timers, queued calls, thread and fiber storage.
#include <windows.h>
#include <stdio.h>
#include <process.h>
#include <stdlib.h>
static __thread int tv=5;static __thread char big[3000];
static CRITICAL_SECTION cs;static HANDLE ev,sem,mtx;static volatile LONG cnt;static DWORD slot;static SRWLOCK srw=SRWLOCK_INIT;static CONDITION_VARIABLE cv=CONDITION_VARIABLE_INIT;static int ready;static INIT_ONCE once=INIT_ONCE_STATIC_INIT;static int onces;
static BOOL CALLBACK oi(PINIT_ONCE o,PVOID p,PVOID*c){onces++;*c=(void*)0x40;return TRUE;}
static DWORD WINAPI w(LPVOID p){void*tc;for(int i=0;i<10000;i++){EnterCriticalSection(&cs);cnt++;LeaveCriticalSection(&cs);}tv+=(int)(INT_PTR)p;big[100]=tv;TlsSetValue(slot,p);Sleep(1);InitOnceExecuteOnce(&once,oi,0,&tc);if(TlsGetValue(slot)!=p)return 99;WaitForSingleObject(ev,INFINITE);return tv;}
static unsigned __stdcall w2(void*p){AcquireSRWLockExclusive(&srw);while(!ready)SleepConditionVariableSRW(&cv,&srw,INFINITE,0);ready++;ReleaseSRWLockExclusive(&srw);_endthreadex(44);return 0;}
static DWORD WINAPI w3(LPVOID p){ExitThread(77);}
static DWORD WINAPI own(LPVOID p){WaitForSingleObject(mtx,INFINITE);return 0;}
static VOID NTAPI fls(PVOID p){printf("fls %d\n",(int)(INT_PTR)p);}
static DWORD WINAPI wf(LPVOID p){FlsSetValue((DWORD)(INT_PTR)p,(void*)5);return 0;}
static DWORD WINAPI spin(LPVOID p){for(;;)cnt++;}
static VOID CALLBACK apc(ULONG_PTR p){printf("apc %d\n",(int)p);}
static DWORD WINAPI al(LPVOID p){return SleepEx(INFINITE,TRUE);}
int main(void){setvbuf(stdout,0,_IONBF,0);InitializeCriticalSection(&cs);ev=CreateEventA(0,TRUE,FALSE,0);slot=TlsAlloc();printf("%lu\n",slot!=TLS_OUT_OF_INDEXES);
 HANDLE t[8];for(int i=0;i<8;i++)t[i]=CreateThread(0,i*65536,w,(void*)(INT_PTR)i,0,0);
 printf("%lx\n",WaitForMultipleObjects(8,t,TRUE,200));SetEvent(ev);printf("%lx\n",WaitForMultipleObjects(8,t,TRUE,INFINITE));
 DWORD c;for(int i=0;i<8;i++){GetExitCodeThread(t[i],&c);printf("%lu ",c);CloseHandle(t[i]);}printf("\n%ld %d %d\n",cnt,tv,onces);
 HANDLE q[3];for(int i=0;i<3;i++)q[i]=(HANDLE)_beginthreadex(0,0,w2,0,0,0);Sleep(10);AcquireSRWLockExclusive(&srw);ready=1;ReleaseSRWLockExclusive(&srw);WakeAllConditionVariable(&cv);WaitForMultipleObjects(3,q,TRUE,INFINITE);printf("%d\n",ready);GetExitCodeThread(q[0],&c);printf("%lu\n",c);
 HANDLE x=CreateThread(0,0,w3,0,CREATE_SUSPENDED,0);printf("%lx\n",WaitForSingleObject(x,10));GetExitCodeThread(x,&c);printf("%lu %lu\n",c,ResumeThread(x));WaitForSingleObject(x,INFINITE);GetExitCodeThread(x,&c);printf("%lu\n",c);
 sem=CreateSemaphoreA(0,1,2,0);printf("%lx",WaitForSingleObject(sem,0));printf(" %lx\n",WaitForSingleObject(sem,0));LONG pv;printf("%d",ReleaseSemaphore(sem,2,&pv));printf(" %ld %d",pv,ReleaseSemaphore(sem,1,&pv));printf(" %lu\n",GetLastError());
 mtx=CreateMutexA(0,FALSE,"mymutex");HANDLE m2=CreateMutexA(0,FALSE,"mymutex");printf("%lu %d\n",GetLastError(),m2!=0);x=CreateThread(0,0,own,0,0,0);WaitForSingleObject(x,INFINITE);printf("%lx\n",WaitForSingleObject(mtx,INFINITE));printf("%d %d",ReleaseMutex(mtx),ReleaseMutex(mtx));printf(" %lu\n",GetLastError());
 HANDLE ae=CreateEventA(0,FALSE,TRUE,"ev1");HANDLE oe=OpenEventA(EVENT_ALL_ACCESS,FALSE,"ev1");printf("%lx %lx\n",WaitForSingleObject(ae,0),WaitForSingleObject(oe,0));HANDLE none=OpenEventA(EVENT_ALL_ACCESS,FALSE,"evx");printf("%p %lu\n",none,GetLastError());none=OpenEventA(EVENT_ALL_ACCESS,FALSE,"mymutex");printf("%p %lu\n",none,GetLastError());
 printf("%lx %lu\n",WaitForSingleObject((HANDLE)0x1234,0),GetLastError());printf("%lx",WaitForMultipleObjects(65,t,0,0));printf(" %lu\n",GetLastError());printf("%lx",WaitForMultipleObjects(0,t,0,0));printf(" %lu\n",GetLastError());
 
 DWORD fi=FlsAlloc(fls);x=CreateThread(0,0,wf,(void*)(INT_PTR)fi,0,0);WaitForSingleObject(x,INFINITE);FlsSetValue(fi,(void*)9);FlsFree(fi);
 SetLastError(5);printf("%p",TlsGetValue(slot));printf(" %lu\n",GetLastError());printf("%d",TlsFree(slot));printf(" %d",TlsFree(slot));printf(" %lu\n",GetLastError());printf("%d",TlsSetValue(5000,0));printf(" %lu\n",GetLastError());
 x=CreateThread(0,0,spin,0,0,0);Sleep(5);SuspendThread(x);CONTEXT ctx={0};ctx.ContextFlags=CONTEXT_FULL;printf("%d\n",GetThreadContext(x,&ctx));printf("%d\n",ctx.Rip!=0);ResumeThread(x);TerminateThread(x,55);WaitForSingleObject(x,INFINITE);GetExitCodeThread(x,&c);printf("%lu\n",c);
 x=CreateThread(0,0,al,0,0,0);Sleep(5);printf("%d\n",(int)QueueUserAPC(apc,x,7));WaitForSingleObject(x,INFINITE);GetExitCodeThread(x,&c);printf("%lx\n",c);
 cnt=1;printf("%ld %ld %ld %ld\n",InterlockedIncrement((LONG*)&cnt)>0,InterlockedExchange((LONG*)&cnt,5)>0,InterlockedCompareExchange((LONG*)&cnt,6,5),InterlockedExchangeAdd((LONG*)&cnt,3));
 HANDLE tm=CreateWaitableTimerA(0,TRUE,0);LARGE_INTEGER due;due.QuadPart=-100000;printf("%d\n",SetWaitableTimer(tm,&due,0,0,0,0));printf("%lx\n",WaitForSingleObject(tm,1000));
 HANDLE dup;printf("%d\n",DuplicateHandle(GetCurrentProcess(),ae,GetCurrentProcess(),&dup,0,FALSE,DUPLICATE_SAME_ACCESS));SetEvent(dup);printf("%lx\n",WaitForSingleObject(ae,0));
 printf("%d\n",GetThreadPriority(GetCurrentThread()));printf("%d\n",SetThreadPriority(GetCurrentThread(),2));printf("%d\n",GetThreadPriority(GetCurrentThread()));
 printf("%d %d\n",TryEnterCriticalSection(&cs),TryAcquireSRWLockShared(&srw));
 return 0;}
