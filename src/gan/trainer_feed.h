#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "agon/config.h"
#include "agon/dataset.h"
#include "agon/game.h"
#include "agon/loader.h"
#include "agon/log.h"
#include "agon/program.h"

namespace agon {

/// The data set of a config, in its shape; with `data.held_back` the part of it. Throws Error(usage) that
/// names the config's line for a SPEC that does not fit.
DatasetPtr open_data(const Config& config, Part part, const LogSink& log = {});

/// The same without regard to `data.held_back`.
DatasetPtr open_whole_data(const Config& config, const LogSink& log = {});

/// "mnist:DIR, 8,000 images 32x32x1".
std::string describe_data(const Config& config, const Dataset& dataset);

/// Brings batches of real images into the inputs of programs.
class Feed {
 public:
  Feed(const Config& config, const LogSink& log);

  /// Fills the program's real images and labels with as many next batches as they ask for. Copies, allocates
  /// nothing of a tensor's size.
  void fill(Program& program, const std::vector<GameInput>& inputs);

  const Dataset& dataset() const { return *dataset_; }
  Loader& loader() { return loader_; }
  size_t bytes() const;

 private:
  static constexpr int batches_ahead = 4;

  DatasetPtr dataset_;
  Loader loader_;
};

}  // namespace agon
