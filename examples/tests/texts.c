#include <windows.h>
#include <stdio.h>
#include <wchar.h>
#include <locale.h>
#include <stdlib.h>
#include <ctype.h>
#include <wctype.h>
static int cmp(const void*a,const void*b){return *(int*)a-*(int*)b;}
int main(int c,char**v){int a[100];for(int i=0;i<100;i++)a[i]=i*7919%101;qsort(a,100,4,cmp);for(int i=0;i<100;i+=9)printf("%d ",a[i]);int k=50;int*r=bsearch(&k,a,100,4,cmp);printf("%d\n",r?*r:-1);
 printf("%s\n",setlocale(LC_ALL,0));printf("%s\n",setlocale(LC_ALL,"C"));struct lconv*l=localeconv();printf("[%s][%s]\n",l->decimal_point,l->thousands_sep);
 printf("%d %d %d\n",isalpha(0xe9)!=0,toupper('b'),iswalpha(L'z')!=0);wchar_t w[50];printf("%d\n",(int)mbstowcs(w,"hello",50));wprintf(L"%s\n",w);char s[50];printf("%d\n",(int)wcstombs(s,L"abc",50));puts(s);
 printf("%d %d\n",MultiByteToWideChar(CP_UTF8,0,"\xc3\xa9x",-1,w,50),w[0]);printf("%d\n",WideCharToMultiByte(CP_UTF8,0,L"\x20ac",-1,s,50,0,0));printf("%02x\n",(unsigned char)s[0]);printf("%d %lu\n",MultiByteToWideChar(CP_ACP,0,"abcdef",-1,w,3),GetLastError());
 printf("%d %d %d\n",_stricmp("ABC","abd"),_wcsicmp(L"A",L"a"),_strnicmp("ABCx","abcy",3));puts(_strrev(_strdup("abc")));puts(_strupr(_strdup("abc")));
 char t[]="a,b;;c";for(char*p=strtok(t,",;");p;p=strtok(0,",;"))printf("<%s>",p);puts("");printf("%d %d\n",(int)strspn("aab","a"),(int)strcspn("abc","c"));printf("%s\n",strstr("hello","ll"));printf("%d\n",lstrcmpiA("a","B"));printf("%d\n",CompareStringA(LOCALE_USER_DEFAULT,NORM_IGNORECASE,"abc",-1,"ABC",-1));
 srand(1);printf("%d %d %d\n",rand(),rand(),rand());div_t d=div(-7,2);printf("%d %d\n",d.quot,d.rem);printf("%d\n",abs(-5));char fp[260],dr[4],di[260],fn[260],ex[260];_splitpath("C:\\a\\b.txt",dr,di,fn,ex);printf("%s|%s|%s|%s\n",dr,di,fn,ex);_makepath(fp,"D","x\\y","f","c");puts(fp);puts(_fullpath(fp,"C:\\a\\..\\b",260));
 printf("%x %x\n",_rotl(0x80000001,1),_byteswap_ulong(0x12345678));printf("%d\n",wcstol(L"12",0,10));
 return 5;}
