#!/bin/sh
# The small box has no OpenBLAS, HDF5 or OpenMP: wickd must not need them.
# usage: needed.sh WICKD
set -eu
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
case $needed in
*libc.so*) ;;
*)
    echo "not ok 1 - cannot read the NEEDED list of $1"
    exit 1
    ;;
esac
echo 1..1
# The sanitizers of a debug build bring their own libraries; those are no part of the question.
if echo "$needed" | grep -E 'openblas|hdf5|gomp|libomp|blas|mpi'; then
    echo "not ok 1 - wickd needs what the small box lacks"
    exit 1
fi
echo "ok 1 - wickd needs only:" $needed
