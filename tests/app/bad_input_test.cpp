#include "app/run_agon.h"
#include "catch.h"
#include "support/scratch.h"
#include "support/tiny_game.h"

namespace fs = std::filesystem;

namespace {

/// A scratch folder with tiny.toml in it.
struct Place {
  Scratch scratch;
  Agon agon{scratch.path()};
  Place() { write_text(scratch / "tiny.toml", tiny_config().to_toml()); }
  Ran train(std::vector<std::string> more, const std::string& prelude = {}) const {
    more.insert(more.begin(), {"train", "tiny.toml"});
    return agon(more, prelude);
  }
  bool made_runs() const { return fs::exists(scratch / "runs"); }
};

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

}  // namespace

// A slip of the pen would get a wall of text, or a run that was not asked for.
TEST_CASE("wrong commands, options and names are answered with the nearest right one") {
  Place place;
  check_refused(place.agon({}), 2, {"train", "--help"});
  check_refused(place.agon({"trian"}), 2, {"trian", "did you mean 'train'"});
  check_refused(place.agon({"train", "dcgan-mnits"}), 2, {"dcgan-mnits", "dcgan-mnist"});
  check_refused(place.train({"--devise", "cpu"}), 2, {"--devise", "did you mean '--device'"});
  check_refused(place.train({"--device", "gpu"}), 2, {"gpu", "cuda"});
  check_refused(place.agon({"data", "inof", "glyphs"}), 2, {"inof", "did you mean 'info'"});
  check_refused(place.agon({"eval", "runs/x", "--metrics", "fdi"}), 2, {"fdi", "did you mean 'fid'"});
  check_refused(place.agon({"sample", "runs/x", "--out", "a.png", "--count", "many"}), 2, {"many"});
  check_refused(place.agon({"train"}), 2, {"preset"});
  check_refused(place.agon({"profile", "tiny.toml", "--batch", "-4"}), 2, {"--batch -4", "at least 1"});
  check_refused(place.agon({"profile", "tiny.toml", "--top", "-1"}), 2, {"--top -1"});
  check_refused(place.agon({"bench", "tiny.toml", "--batch", "0"}), 2, {"--batch 0", "at least 1"});
  check_refused(place.agon({"train", "a", "b"}), 2, {"'b'"});
  CHECK(!place.made_runs());
}

// A config mistake would be found out after hours of training.
TEST_CASE("wrong config keys, types and files are refused with their place") {
  Place place;
  check_refused(place.train({"--set", "train.step=5"}), 2, {"train.step", "did you mean 'steps'"});
  check_refused(place.train({"--set", "train.steps=many"}), 2, {"train.steps", "integer"});
  check_refused(place.train({"--set", "seed"}), 2, {"seed"});
  check_refused(place.train({"--set", "train.batch_size=0"}), 2, {"batch"});
  check_refused(place.train({"--set", "train.batch_size=1000"}), 2, {"batch", "1000"});
  check_refused(place.train({"--set", "log.every=0"}), 2, {"log.every"});
  check_refused(place.train({"--set", "data.channels=2"}), 2, {"tiny.toml", "[8, 8, 2]"});
  check_refused(place.agon({"train", "missing.toml"}), 1, {"missing.toml"});
  write_text(place.scratch / "bad.toml", "name = \"x\"\n\n[train]\nsteps = \"ten\"\n");
  check_refused(place.agon({"train", "bad.toml"}), 2, {"bad.toml:4", "train.steps"});
  write_text(place.scratch / "broken.toml", "name = \n");
  check_refused(place.agon({"train", "broken.toml"}), 2, {"broken.toml:1"});
  CHECK(!place.made_runs());
}

// A spoilt data file would crash the program or be trained on.
TEST_CASE("spoilt data are refused before anything is written") {
  Place place;
  const fs::path& root = place.scratch.path();
  write_text(root / "idx" / "train-images-idx3-ubyte",
             big_endian(2051) + big_endian(100) + big_endian(28) + big_endian(28) + "only a few pixels");
  write_text(root / "idx" / "train-labels-idx1-ubyte",
             big_endian(2049) + big_endian(100) + std::string(100, '\1'));
  check_refused(place.train({"--data", "mnist:idx"}), 1, {"train-images-idx3-ubyte"});
  write_text(root / "fake" / "picture.png", "this is no picture");
  check_refused(place.train({"--data", "folder:fake"}), 1, {"picture.png"});
  fs::create_directories(root / "empty" / "deeper");
  check_refused(place.train({"--data", "folder:empty"}), 1, {"empty"});
  check_refused(place.train({"--data", "folder:nowhere"}), 1, {"nowhere"});
  check_refused(place.train({"--data", "mnits:idx"}), 2, {"mnits", "mnist"});
  CHECK(!place.made_runs());
}

// A run would overwrite another one, or die without a word where it may not write.
TEST_CASE("directories that cannot take a run are refused") {
  Place place;
  const fs::path& root = place.scratch.path();
  write_text(root / "full" / "mine.txt", "keep me");
  check_refused(place.train({"--out", "full"}), 2, {"full", "empty"});
  CHECK(place.agon.text("full/mine.txt") == "keep me");
  write_text(root / "file", "");
  check_refused(place.train({"--out", "file/run"}), 1, {"file"});
  check_refused(place.agon({"train", "--resume", "full"}), 1, {"full", "config.toml"});
  check_refused(place.agon({"train", "tiny.toml", "--resume", "full"}), 2, {"--resume"});
  check_refused(place.agon({"sample", "full", "--out", "x.png"}), 1, {"full"});
  check_refused(place.agon({"eval", "nowhere"}), 1, {"nowhere"});
}

// A full disk would take the earlier checkpoints with it, or crash the run.
TEST_CASE("a full disk ends the run with one line and leaves what was saved") {
  Place place;
  REQUIRE(place.train({"--out", "run", "--set", "train.steps=5"}).code == 0);
  const std::string before = place.agon.text("run/checkpoints/step-00000005.safetensors");
  REQUIRE(!before.empty());
  // Blocks of 512 bytes: enough for metrics and samples, too few for a checkpoint.
  const Ran ran = place.agon({"train", "--resume", "run", "--set", "train.steps=10"}, "ulimit -f 8 && ");
  INFO(ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.err_lines().back().find("space") != std::string::npos);
  CHECK(place.agon.text("run/checkpoints/step-00000005.safetensors") == before);
  CHECK(place.agon({"train", "--resume", "run", "--set", "train.steps=10"}).code == 0);
}

// Somebody else's checkpoint would be sampled from as if it were the run's own.
TEST_CASE("a checkpoint of another model is refused by every command") {
  Place place;
  REQUIRE(place.train({"--out", "run", "--set", "train.steps=2"}).code == 0);
  const fs::path file = place.scratch / "run/checkpoints/step-00000002.safetensors";
  std::string config = place.agon.text("run/config.toml");
  const auto at = config.find("out = 32");
  REQUIRE(at != std::string::npos);
  config.replace(at, 8, "out = 64");
  config.replace(config.find("[4, 4, 2]"), 9, "[4, 4, 4]");
  write_text(place.scratch / "run/config.toml", config);
  check_refused(place.agon({"sample", "run", "--out", "x.png"}), 1, {"step-00000002", "another model"});
  check_refused(place.agon({"eval", "run"}), 1, {"another model"});
  check_refused(place.agon({"train", "--resume", "run"}), 1, {"another model"});
  write_text(file, "not a checkpoint at all");
  check_refused(place.agon({"sample", "run", "--out", "x.png"}), 1, {"step-00000002", "safetensors"});
}

// A diverged run would go on for hours, or end without a word of where it went wrong.
TEST_CASE("a run whose numbers are no longer finite stops, names the tensor and keeps its checkpoint") {
  Place place;
  const Ran ran = place.train({"--out", "run", "--set", "players.D.optimizer.type=sgd", "--set",
                               "players.D.optimizer.lr=1e200", "--set", "checkpoint.every=1"});
  INFO(ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.out.empty());
  const std::string last = ran.err_lines().back();
  for (const char* word : {"agon: step ", "first bad tensor: ", "run"})
    CHECK(last.find(word) != std::string::npos);
  CHECK(place.agon.text("run/report.html").find("failed") != std::string::npos);
}

#ifdef AGON_CUDART
// The simulator would be passed over in silence, and the run end in a driver's error.
TEST_CASE("simt is refused where a real CUDA runtime is in the process already") {
  const Place place;
  check_refused(place.train({"--device", "simt"}, "export LD_PRELOAD='" AGON_CUDART "'; "), 1,
                {"real CUDA runtime", "process of its own", "--device cpu"});
}

// A slip in one of its variables would be answered with "initialization error".
TEST_CASE("a wrong setting of the simulated device is named") {
  const Place place;
  for (const auto& [setting, word] : {std::pair{"AGON_SIMT_SEED=abc", "a number, not 'abc'"},
                                      {"AGON_SIMT_ARCH=sm_75", "sm_80, sm_86"},
                                      {"AGON_SIMT_MEMORY=lots", "a number, not 'lots'"}}) {
    const std::string name = std::string(setting).substr(0, std::string(setting).find('='));
    check_refused(place.train({"--device", "simt"}, std::string("export ") + setting + "; "), 1,
                  {name, word, "--device cpu"});
  }
}

// A user without a GPU would not be told how to go on.
TEST_CASE("a device that cannot be had is answered with a way on") {
  const Place place;
  const Ran ran = place.train({"--device", "cuda:99"});
  check_refused(ran, 1, {"--device cpu"});
}
#endif
