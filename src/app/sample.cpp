#include <algorithm>
#include <filesystem>

#include "agon/error.h"
#include "agon/image.h"
#include "agon/trainer.h"

#include "app/command.h"
#include "app/run_folder.h"
#include "io/atomic_file.h"

namespace agon::app {
namespace {

namespace fs = std::filesystem;

struct SampleOptions {
  std::string run, out, device;
  int64_t count = 64;
  uint64_t seed = 0;
};

constexpr int64_t batch = 64;

Image image_at(const Tensor& images, int64_t index) {
  const Shape& shape = images.shape();
  Image image(static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]));
  const size_t size = image.pixels.size();
  to_bytes(images.as<float>().subspan(static_cast<size_t>(index) * size, size), image.pixels);
  return image;
}

int sample(const SampleOptions& options) {
  check(options.count >= 1, ErrorKind::usage, "agon sample: --count {}; give at least 1", options.count);
  check(is_free(options.out), ErrorKind::usage,
        "agon sample: --out {}: exists; choose another file, or another or an empty folder", options.out);
  const bool grid = fs::path(options.out).extension() == ".png";
  const auto log = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  TrainedModel model = TrainedModel::open(options.run, options.device, log);
  Sampler sampler(model.game, *model.backend, *model.store, std::min(options.count, batch), options.seed);
  if (grid) {
    const fs::path folder = fs::path(options.out).parent_path();
    if (!folder.empty()) make_folder(folder);
    write_png(options.out, image_grid(sampler.images(0, options.count)));
  } else {
    make_folder(options.out);
    // Batch by batch, so that any number of images fits into memory.
    for (int64_t first = 0; first < options.count; first += batch) {
      const int64_t count = std::min(batch, options.count - first);
      const Tensor images = sampler.images(static_cast<uint64_t>(first), count);
      for (int64_t i = 0; i < count; ++i)
        write_png(fs::path(options.out) / fmt::format("{:06}.png", first + i), image_at(images, i));
    }
  }
  fmt::print("{}\n", options.out);
  return exit_done;
}

}  // namespace

void add_sample(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("sample", "generate images with a run's newest checkpoint");
  auto options = std::make_shared<SampleOptions>();
  command->add_option("run", options->run, "directory of the run")->type_name("RUN")->required();
  command->add_option("--out", options->out, "folder for single images, or FILE.png for one grid")
      ->type_name("DIR|FILE.png")
      ->required();
  command->add_option("--count", options->count, "images; default 64")->type_name("N");
  command->add_option("--seed", options->seed, "other seeds give other images; default 0")->type_name("N");
  command->add_option("--device", options->device, "default: the run's")->type_name("NAME");
  command->callback([&job, options] { job = [options] { return sample(*options); }; });
}

}  // namespace agon::app
