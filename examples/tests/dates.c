#include <windows.h>
#include <stdio.h>
#include <time.h>
#include <sys/timeb.h>
int main(void){time_t t=1000000000;struct tm*g=gmtime(&t);char b[200];printf("%s",asctime(g));strftime(b,200,"%Y-%m-%d %H:%M:%S %j %a %A %b %B %p %I %y %U %W %w %x %X %c %%",g);puts(b);
 struct tm m={0};m.tm_year=101;m.tm_mon=12;m.tm_mday=35;m.tm_isdst=0;time_t q=mktime(&m);printf("%d %d %d %d\n",m.tm_year,m.tm_mon,m.tm_mday,m.tm_wday);printf("%d\n",q!=-1);
 SYSTEMTIME st={2020,2,0,29,23,59,58,999};FILETIME ft;printf("%d\n",SystemTimeToFileTime(&st,&ft));printf("%lx %lx\n",ft.dwHighDateTime,ft.dwLowDateTime);FileTimeToSystemTime(&ft,&st);printf("%d %d %d %d\n",st.wYear,st.wMonth,st.wDayOfWeek,st.wMilliseconds);
 st.wMonth=13;printf("%d %lu\n",SystemTimeToFileTime(&st,&ft),GetLastError());
 LARGE_INTEGER f,a,z;QueryPerformanceFrequency(&f);QueryPerformanceCounter(&a);Sleep(20);QueryPerformanceCounter(&z);printf("%d\n",(z.QuadPart-a.QuadPart)*1000/f.QuadPart>=15);
 DWORD t0=GetTickCount();Sleep(50);printf("%d\n",GetTickCount()-t0>=30);clock_t c=clock();printf("%d\n",c>=0);
 GetSystemTime(&st);printf("%d\n",st.wYear>=2020);GetLocalTime(&st);printf("%d\n",st.wYear>=2020);
 WORD d,ti;st=(SYSTEMTIME){2020,2,0,29,23,59,58,0};SystemTimeToFileTime(&st,&ft);FileTimeToDosDateTime(&ft,&d,&ti);printf("%x %x\n",d,ti);
 printf("%ld %d\n",CompareFileTime(&ft,&ft),(int)difftime(5,3));struct _timeb tb;_ftime(&tb);printf("%d\n",tb.time>1000000);
 t=-1;printf("%p\n",gmtime(&t));t=(time_t)1<<40;printf("%p\n",gmtime(&t)?(void*)1:0);
 _tzset();char dt[9];_strdate(dt);printf("%d\n",(int)strlen(dt));
 GetDateFormatA(LOCALE_USER_DEFAULT,0,&(SYSTEMTIME){2020,2,0,29},"yyyy'-'MM'-'dd",b,100);puts(b);
 return 0;}
