#pragma once
#include <filesystem>
#include <span>
#include <vector>

#include "agon/named_tensor.h"

namespace agon {

/// Reads a NumPy array file (.npy, versions 1 to 3): f4, f8, i4, i8, u1 and b1 (as u8), either byte order, C
/// or Fortran order (the result is always C). Throws Error(data) for a damaged file, Error(unsupported) for
/// other types (objects above all: they would be pickle code).
Tensor read_npy(const std::filesystem::path& path);

/// Reads a NumPy archive (.npz): stored or deflated members, in the order of the archive, names without
/// ".npy". Members of types that read_npy refuses are refused; so are damaged ones (sizes and CRC-32 are
/// checked).
std::vector<NamedTensor> read_npz(const std::filesystem::path& path);

/// Writes atomically; the same content gives the same bytes. f32, f64, i32, i64, u8 (bf16 has no NumPy type:
/// Error(usage)).
void write_npy(const std::filesystem::path& path, const Tensor& tensor);
/// As numpy.savez, or with `compress` as numpy.savez_compressed. Throws Error(unsupported) beyond 4 GiB.
void write_npz(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
               bool compress = false);

}  // namespace agon
