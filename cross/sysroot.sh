#!/bin/sh
# The libraries of 64-bit ARM in a folder of their own, for building and testing all of wick for it; nothing is
# installed, and no package of this machine is touched. On Debian, with gcc-aarch64-linux-gnu and qemu-user-static:
#   dpkg --add-architecture arm64 && apt-get update
#   cross/sysroot.sh FOLDER
#   meson setup build-arm64 --cross-file FOLDER/aarch64.txt
#   meson test -C build-arm64 --suite unit
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
dir=$(realpath "$1")
# apt sees an empty machine of the other kind, so that it gives all libraries and what they stand on.
mkdir -p "$dir/cache/archives/partial" "$dir/root"
: >"$dir/status"
apt-get -o Dir::State::status="$dir/status" -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
    -o Dir::Cache="$dir/cache" -o Debug::NoLocking=1 -qq -y --no-install-recommends --download-only install \
    libcmocka-dev libcurl4-openssl-dev libdeflate-dev libgomp1 libhdf5-dev libjansson-dev libopenblas-dev \
    libsqlite3-dev libssl-dev libwebsockets-dev zlib1g-dev
for package in "$dir"/cache/archives/*.deb; do
    dpkg -x "$package" "$dir/root"
done
lib=$dir/root/usr/lib/aarch64-linux-gnu
# Debian's alternatives would do this on installing.
cp "$lib"/openblas-pthread/pkgconfig/openblas.pc "$lib/pkgconfig/"
path=$lib:$dir/root/lib/aarch64-linux-gnu:$lib/hdf5/serial:$lib/openblas-pthread
cat >"$dir/aarch64.txt" <<END
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64-static', '-L', '$dir/root', '-E', 'LD_LIBRARY_PATH=$path']

[built-in options]
c_args = ['--sysroot=$dir/root', '-I$dir/root/usr/include/hdf5/serial']
c_link_args = ['--sysroot=$dir/root', '-L$lib', '-L$lib/hdf5/serial', '-L$lib/openblas-pthread', '-Wl,-rpath-link,$path']

[properties]
sys_root = '$dir/root'
pkg_config_libdir = '$lib/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'cortex-a53'
endian = 'little'
END
echo "$dir/aarch64.txt"
