#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "agon/dataset.h"
#include "agon/error.h"
#include "agon/image.h"

#include "app/command.h"
#include "app/format.h"
#include "core/nearest.h"
#include "io/atomic_file.h"

namespace agon::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct DataOptions {
  std::string spec, out, format = "png";
  DatasetOptions set;
  uint64_t count = 0;
  bool json = false;
};

void remark(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
}

int list(bool as_json) {
  if (as_json) {
    Json kinds = Json::array();
    for (const DatasetKind& kind : dataset_kinds())
      kinds.push_back({{"name", kind.name}, {"usage", kind.usage}, {"what", kind.what}});
    fmt::print("{}\n", kinds.dump(2));
    return exit_done;
  }
  for (const DatasetKind& kind : dataset_kinds()) fmt::print("{:<14}{}\n", kind.usage, kind.what);
  return exit_done;
}

int info(DataOptions options) {
  options.set.log = remark;
  const DatasetPtr set = open_dataset(options.spec, options.set);
  const uint64_t limit = options.count > 0 ? options.count : 10000;
  const DatasetSummary summary = summarise(*set, limit);
  const auto& names = set->class_names();
  if (options.json) {
    Json json{{"spec", options.spec},           {"images", set->size()},
              {"unlimited", set->unlimited()},  {"height", set->shape().height},
              {"width", set->shape().width},    {"channels", set->shape().channels},
              {"class_names", names},           {"counted", summary.counted},
              {"per_class", summary.per_class}, {"mean", summary.mean},
              {"deviation", summary.deviation}, {"fingerprint", set->fingerprint()}};
    fmt::print("{}\n", json.dump(2));
    return exit_done;
  }
  fmt::print("images       {}{}\n", count_text(set->size()),
             set->unlimited() ? " an epoch, unlimited in all" : "");
  fmt::print("shape        {}\n", set->shape().str());
  fmt::print("mean         {:.4f}\n", fmt::join(summary.mean, " "));
  fmt::print("deviation    {:.4f}\n", fmt::join(summary.deviation, " "));
  fmt::print("fingerprint  {}\n", set->fingerprint());
  if (set->labelled()) {
    fmt::print("classes      {} (of the first {} images)\n", names.size(), count_text(summary.counted));
    for (size_t i = 0; i < names.size(); ++i)
      fmt::print("  {:<20} {:>9}\n", names[i], count_text(summary.per_class[i]));
  }
  return exit_done;
}

int make(DataOptions options) {
  check(options.format == "png" || options.format == "idx" || options.format == "grid", ErrorKind::usage,
        "agon data make: unknown format '{}'{}", options.format,
        suggestion(options.format, std::vector<std::string>{"png", "idx", "grid"}));
  check(options.count >= 1, ErrorKind::usage, "agon data make: --count 0; give at least 1");
  options.set.log = remark;
  const DatasetPtr set = open_dataset(options.spec, options.set);
  check(set->unlimited() || options.count <= set->size(), ErrorKind::usage,
        "agon data make: --count {}, but {} has {} images", options.count, options.spec, set->size());
  if (options.format == "png") write_png_folder(*set, options.count, options.out);
  if (options.format == "idx") write_idx_folder(*set, options.count, options.out);
  if (options.format == "grid") {
    const ImageShape& shape = set->shape();
    Tensor images(DType::f32,
                  {static_cast<int64_t>(options.count), shape.height, shape.width, shape.channels});
    std::vector<uint8_t> pixels(shape.bytes());
    for (uint64_t i = 0; i < options.count; ++i) {
      set->read(i, pixels);
      std::ranges::transform(pixels,
                             images.as<float>().begin() + static_cast<std::ptrdiff_t>(i * pixels.size()),
                             [](uint8_t v) { return static_cast<float>(v) / 127.5f - 1; });
    }
    write_png(options.out, image_grid(images));
  }
  fmt::print("{}\n", options.out);
  return exit_done;
}

/// Agon downloads nothing; this says what to put where.
int get(const std::string& name) {
  const std::vector<std::pair<std::string, std::string>> sources{
      {"mnist",
       "put train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz (or the t10k files) of MNIST into a "
       "folder DIR, then use --data mnist:DIR"},
      {"cifar10",
       "put data_batch_1.bin ... data_batch_5.bin of CIFAR-10's binary version into a folder DIR, then use "
       "--data cifar10:DIR"},
      {"folder", "any folder DIR of PNG and JPEG files, or with one folder per class: --data folder:DIR"},
      {"glyphs", "nothing to get: the digits are drawn by the program, --data glyphs"}};
  std::vector<std::string> names;
  for (const auto& [known, advice] : sources) {
    names.push_back(known);
    if (known != name) continue;
    fmt::print("Agon downloads nothing by itself. {}: {}\n", name, advice);
    return exit_done;
  }
  fail(ErrorKind::usage, "agon data get: unknown data set '{}'{}", name, suggestion(name, names));
}

void add_shape(CLI::App& command, DataOptions& options) {
  command.add_option("--height", options.set.height, "resize to this height")->type_name("N");
  command.add_option("--width", options.set.width, "resize to this width")->type_name("N");
  command.add_option("--channels", options.set.channels, "1 (grey) or 3 (RGB)")->type_name("N");
  command.add_option("--seed", options.set.seed, "of a procedural set")->type_name("N");
}

}  // namespace

void add_data(CLI::App& app, Job& job) {
  auto* data = app.add_subcommand("data", "list, inspect, make and find data sets");
  data->require_subcommand(1);
  auto options = std::make_shared<DataOptions>();

  auto* list_command = data->add_subcommand("list", "the kinds of data that --data understands");
  list_command->add_flag("--json", options->json, "print JSON");
  list_command->callback([&job, options] { job = [options] { return list(options->json); }; });

  auto* info_command = data->add_subcommand("info", "size, shape, classes and statistics of a data set");
  info_command->add_option("spec", options->spec, "kind:path")->type_name("SPEC")->required();
  info_command->add_option("--count", options->count, "images to count; default 10000")->type_name("N");
  add_shape(*info_command, *options);
  info_command->add_flag("--json", options->json, "print JSON");
  info_command->callback([&job, options] { job = [options] { return info(*options); }; });

  auto* make_command = data->add_subcommand("make", "write a data set's images as files");
  make_command->add_option("spec", options->spec, "kind:path")->type_name("SPEC")->required();
  make_command->add_option("--count", options->count, "images")->type_name("N")->required();
  make_command->add_option("--out", options->out, "folder, or FILE.png of a grid")
      ->type_name("DIR|FILE.png")
      ->required();
  make_command->add_option("--format", options->format, "png (default), idx (as MNIST) or grid")
      ->type_name("NAME");
  add_shape(*make_command, *options);
  make_command->callback([&job, options] { job = [options] { return make(*options); }; });

  auto* get_command = data->add_subcommand("get", "where to get a data set and where to put it");
  get_command->add_option("name", options->spec, "mnist, cifar10, folder or glyphs")
      ->type_name("NAME")
      ->required();
  get_command->callback([&job, options] { job = [options] { return get(options->spec); }; });
}

}  // namespace agon::app
