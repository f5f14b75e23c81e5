#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agon/log.h"
#include "agon/named_tensor.h"

namespace agon {

/// Everything a run needs to go on as if it had never stopped: one .safetensors file, so that any tool of the
/// field reads the weights in it.
struct Checkpoint {
  uint64_t step = 0;  ///< finished iterations
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< the caller's; keys "agon.*" are this file's own

  /// Throws Error(data) naming the key and `where` if it is missing.
  const std::string& at(const std::string& key, const std::string& where) const;
};

struct CheckpointFile {
  uint64_t step = 0;
  std::filesystem::path path;
};

/// "step-00000900.safetensors".
std::string checkpoint_name(uint64_t step);

/// The checkpoints in a folder, newest first; empty if there is no such folder.
std::vector<CheckpointFile> list_checkpoints(const std::filesystem::path& folder);

/// Writes `folder`/step-N.safetensors atomically, with a CRC-32 of all tensors and metadata inside, then
/// removes all but the `keep` newest of the steps up to N (keep >= 1; the one just written always stays).
/// Throws Error(io) where it cannot be written; the earlier files are then as they were.
std::filesystem::path write_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                                       int keep);

/// Reads and verifies one file. Throws Error(data) if it is damaged or no checkpoint.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// The newest checkpoint that is whole. Damaged ones are skipped, each with one line to `log`. Throws
/// Error(data) if none is left, Error(io) if there is none at all.
Checkpoint newest_checkpoint(const std::filesystem::path& folder, const LogSink& log = {});

/// Removes temporary files that a killed process left in the folder.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace agon
