#include "gan/trainer_choices.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "agon/error.h"

#include "gan/trainer_run.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"

namespace agon {
namespace {

namespace fs = std::filesystem;

Choices parse(const std::string& text, const std::string& where) {
  try {
    return nlohmann::json::parse(text).get<Choices>();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::data, "{}: holds no choices of kernels (damaged?); remove it to resume with others",
         where);
  }
}

}  // namespace

std::string choices_text(const Choices& choices) {
  return nlohmann::json(choices).dump(1);
}

Choices read_choices(const fs::path& run) {
  const fs::path path = run / "kernels.json";
  if (std::ifstream file(path); file) {
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return parse(text, path.string());
  }
  const fs::path folder = checkpoints_path(run);
  if (!fs::exists(folder) || list_checkpoints(folder).empty()) return {};
  const Checkpoint checkpoint = newest_checkpoint(folder);
  const auto found = checkpoint.metadata.find("kernels");
  return found == checkpoint.metadata.end() ? Choices() : parse(found->second, folder.string());
}

void write_choices(const fs::path& run, const Choices& choices) {
  if (!choices.empty()) write_file(run / "kernels.json", choices_text(choices) + "\n");
}

}  // namespace agon
