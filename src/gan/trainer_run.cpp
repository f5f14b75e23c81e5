#include "gan/trainer_run.h"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "agon/error.h"
#include "agon/trainer.h"

#include "gan/trainer_states.h"
#include "io/checkpoint.h"
#include "io/file.h"

namespace agon {

namespace fs = std::filesystem;

fs::path config_path(const fs::path& run) {
  return run / "config.toml";
}
fs::path metrics_path(const fs::path& run) {
  return run / "metrics.jsonl";
}
fs::path checkpoints_path(const fs::path& run) {
  return run / "checkpoints";
}
fs::path grid_path(const fs::path& run, uint64_t step) {
  return run / "samples" / fmt::format("step-{:08}.png", step);
}

Config config_of(const fs::path& run) {
  std::error_code unknown;
  check(fs::exists(config_path(run), unknown), ErrorKind::io,
        "{}: no run there (it has no config.toml); give the directory that agon train made", run.string());
  return Config::file(config_path(run));
}

std::string identity_of(const Config& config) {
  Config same = config;
  for (const char* neutral :
       {"train.steps=1", "train.epochs=1", "log.every=1", "checkpoint.every=0", "checkpoint.keep=1",
        "sample.every=0", "sample.count=1", "sample.batch_norm=running", "eval.every=0", "eval.count=1",
        "device=cpu", "about=''", "data.spec=glyphs"})
    same.set(neutral);
  return fmt::format("{:08x}", crc32_of(std::as_bytes(std::span<const char>(same.to_toml()))));
}

RunLock::RunLock(const fs::path& run) {
  const fs::path path = run / ".lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(fd_ >= 0, ErrorKind::io, "{}: cannot be written ({}); choose a folder that you may write to",
        run.string(), std::generic_category().message(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  fail(ErrorKind::io, "{}: another process trains this run; wait for it, or choose another --out",
       run.string());
}

RunLock::~RunLock() {
  ::close(fd_);
}

TrainedModel TrainedModel::open(const fs::path& run, const std::string& device, const LogSink& log) {
  Config config = config_of(run);
  const Checkpoint checkpoint = newest_checkpoint(checkpoints_path(run), log);
  const std::string where = (checkpoints_path(run) / checkpoint_name(checkpoint.step)).string();
  Game game(config);
  auto backend = open_backend(device.empty() ? config.string("device") : device);
  auto store = backend->make_store();
  game.initialise(*store, static_cast<uint64_t>(config.integer("seed")));
  load_states(game, *store, checkpoint.tensors, where);
  return {std::move(config), std::move(game), std::move(backend), std::move(store), checkpoint.step};
}

}  // namespace agon
