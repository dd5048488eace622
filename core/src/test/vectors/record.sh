#!/bin/sh
# Records the vectors anew on this machine's processor: needs an x86-64 Linux with gcc, binutils and python3.
# usage: record.sh [output [seed]], default ../resources/org/vadose/cpu/vectors.bin.gz 0
set -eu
cd "$(dirname "$0")"
output=${1:-../resources/org/vadose/cpu/vectors.bin.gz}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 forms.py > "$work/forms.txt"
{
    echo '.intel_syntax noprefix'
    echo '.text'
    n=0
    # Every form in 32 bytes of its own; branches go to byte 24, where the recorder waits for them.
    cut -d' ' -f4- "$work/forms.txt" | while read -r text; do
        echo ".balign 32, 0x90"
        echo "s$n: $text"
        echo "e$n: .org s$n + 24, 0x90"
        echo "0: .org s$n + 32, 0x90"
        echo ".section .lengths, \"a\""
        echo ".byte e$n - s$n"
        echo ".text"
        n=$((n + 1))
    done
} > "$work/forms.s"
as -o "$work/forms.o" "$work/forms.s"
objcopy -O binary -j .text "$work/forms.o" "$work/code.bin"
objcopy -O binary -j .lengths --set-section-flags .lengths=alloc,contents "$work/forms.o" "$work/lengths.bin"
gcc -O1 -Wall -Wextra -no-pie -fno-pie -o "$work/record" record.c
"$work/record" "$work/forms.txt" "$work/code.bin" "$work/lengths.bin" "$work/out" "${2:-0}"
mkdir -p "$(dirname "$output")"
gzip -9nc "$work/out" > "$output"
ls -l "$output"
