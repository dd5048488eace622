#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int c,char**v){for(int i=1;i<c;i++)printf("%d[%s]\n",i,v[i]);
 SetEnvironmentVariableA("FOO","bar");char b[100];DWORD n=GetEnvironmentVariableA("foo",b,100);printf("%lu %s\n",n,b);n=GetEnvironmentVariableA("FOO",b,2);printf("%lu\n",n);n=GetEnvironmentVariableA("NOPE",b,100);printf("%lu %lu\n",n,GetLastError());
 printf("%p\n",getenv("NOPE"));putenv("XX=yy");printf("%s\n",getenv("XX"));putenv("XX=");printf("%p\n",getenv("XX"));
 SetEnvironmentVariableA("FOO",0);n=GetEnvironmentVariableA("FOO",b,100);printf("%lu\n",n);
 SetEnvironmentVariableA("AA","1");n=ExpandEnvironmentStringsA("x%AA%y%ZZ%",b,100);printf("%lu %s\n",n,b);
 printf("%d\n",SetEnvironmentVariableA("A=B","x"));printf("%d %lu\n",SetEnvironmentVariableA("","x"),GetLastError());
 wchar_t*e=GetEnvironmentStringsW();int k=0;for(wchar_t*p=e;*p;p+=wcslen(p)+1)k++;printf("%d\n",k>5);FreeEnvironmentStringsW(e);
 printf("%s\n",strrchr(GetCommandLineA(),'"')?"q":"n");
 wprintf(L"%s\n",_wgetenv(L"AA")?L"set":L"null");
 printf("%d\n",__argc);printf("%d\n",getenv("PATH")!=0);printf("%d\n",getenv("SystemRoot")!=0);_putenv("ZED=1");GetEnvironmentVariableA("ZED",b,100);puts(b);
 return 7;}
