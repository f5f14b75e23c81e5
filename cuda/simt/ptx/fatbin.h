#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace agon::simt {

/// One image inside a fat binary.
struct FatbinEntry {
  bool ptx = false;         ///< PTX text; otherwise machine code of one architecture
  bool compressed = false;  ///< the payload cannot be read as it is
  uint32_t arch = 0;        ///< 80 for compute_80 and sm_80
  std::string_view payload;
};

/// The images of what __cudaRegisterFatBinary gets: a wrapper (magic 0x466243b1) that points to a fat binary
/// (magic 0xba55ed50), or the fat binary itself. Throws agon::Error (data) when it is neither or is cut
/// short.
std::vector<FatbinEntry> fatbin_entries(const void* image);

/// The PTX text for `arch`. Throws agon::Error (unsupported) that tells which images there are and how to
/// compile the library when the text is missing or compressed.
std::string_view fatbin_ptx(const void* image, uint32_t arch = 80);

}  // namespace agon::simt
