#!/bin/sh
# Compiles wheels of torch_scatter and torch_sparse, the latter with METIS.
#   extensions.sh CONSTRAINTS WHEELS REQUIREMENT…
# Needs a C++ compiler, and in the environment FORCE_CUDA=1 with nvcc for kernels of the GPU.
set -eu
constraints=$1
wheels=$2
shift 2
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT

# torch_sparse hands METIS indices of 64 bits, and the packages of Debian and Ubuntu have 32.  The
# source of pymetis holds METIS as it must be, and comes from the index with a pinned version.
python -m pip download -q --no-deps --no-binary pymetis -c "$constraints" -d "$sources" pymetis
tar -xzf "$sources"/pymetis-*.tar.gz -C "$sources" --strip-components=1
metis=$sources/src/metis
grep -q '^#define IDXTYPEWIDTH 64' "$metis/include/metis.h"
for part in GKlib libmetis; do  # apart and then added (q), as both have a util.c
  mkdir "$sources/$part"
  (cd "$sources/$part" && cc -w -O3 -fPIC -DLINUX -D_FILE_OFFSET_BITS=64 -I"$metis/GKlib" \
    -I"$metis/include" -I"$metis/libmetis" -c "$metis/$part"/*.c)
done
ar qcs "$sources/libmetis.a" "$sources"/GKlib/*.o "$sources"/libmetis/*.o

CPATH=$metis/include LIBRARY_PATH=$sources WITH_METIS=1 python -m pip wheel -q --no-deps \
  --no-build-isolation -c "$constraints" -w "$wheels" "$@"
