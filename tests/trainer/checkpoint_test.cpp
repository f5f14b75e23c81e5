#include "io/checkpoint.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;
namespace fs = std::filesystem;

namespace {

Checkpoint example(uint64_t step) {
  Checkpoint c;
  c.step = step;
  std::vector<float> weights(1000);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<float>(i) * 0.1f + static_cast<float>(step);
  c.tensors.push_back({"G/main.0.weight", Tensor::of<float>({10, 100}, weights)});
  const std::vector<int64_t> position{7, static_cast<int64_t>(step)};
  c.tensors.push_back({"loader", Tensor::of<int64_t>({2}, position)});
  c.metadata["model"] = "dcgan";
  return c;
}

void flip_bit(const fs::path& path, int64_t from_end) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-from_end, std::ios::end);
  const char byte = static_cast<char>(file.get());
  file.seekp(-from_end, std::ios::end);
  file.put(static_cast<char>(byte ^ 1));
}

std::vector<uint64_t> steps(const fs::path& folder) {
  std::vector<uint64_t> result;
  for (const auto& file : list_checkpoints(folder)) result.push_back(file.step);
  return result;
}

}  // namespace

// Weights would come back changed, or without the position of the run.
TEST_CASE("a checkpoint comes back as it was written") {
  Scratch scratch;
  const Checkpoint written = example(42);
  const fs::path path = write_checkpoint(scratch.path(), written, 3);
  CHECK(path.filename() == "step-00000042.safetensors");
  const Checkpoint read = newest_checkpoint(scratch.path());
  CHECK(read.step == 42);
  CHECK(read.metadata == written.metadata);
  REQUIRE(read.tensors.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(read.tensors[i].name == written.tensors[i].name);
    CHECK(read.tensors[i].tensor.shape() == written.tensors[i].tensor.shape());
    CHECK(std::ranges::equal(read.tensors[i].tensor.bytes(), written.tensors[i].tensor.bytes()));
  }
  CHECK(mentions(error_of(ErrorKind::data, [&] { read.at("seed", "x"); }), "seed"));
}

// A long run would fill the disk, or lose its newest state.
TEST_CASE("the newest checkpoints are kept and no others") {
  Scratch scratch;
  for (uint64_t step : {10, 20, 30, 40}) write_checkpoint(scratch.path(), example(step), 2);
  CHECK(steps(scratch.path()) == std::vector<uint64_t>{40, 30});
  // Step 40 was damaged and the run goes on from 30: writing 35 must not count 40 as a good one.
  flip_bit(scratch / checkpoint_name(40), 100);
  write_checkpoint(scratch.path(), example(35), 1);
  CHECK(steps(scratch.path()) == std::vector<uint64_t>{40, 35});
  CHECK(newest_checkpoint(scratch.path()).step == 35);
}

// A file damaged on the disk would be loaded as if it were sound, or end a run that could go on.
TEST_CASE("a damaged checkpoint is noticed and the one before it is used") {
  Scratch scratch;
  write_checkpoint(scratch.path(), example(1), 3);
  write_checkpoint(scratch.path(), example(2), 3);
  const fs::path newest = scratch / checkpoint_name(2);
  SECTION("a flipped bit in the data") {
    flip_bit(newest, 50);
  }
  SECTION("a changed letter of the metadata") {
    std::fstream file(newest, std::ios::in | std::ios::out | std::ios::binary);
    std::string text(600, '\0');
    file.read(text.data(), 600);
    const auto at = text.find("dcgan");
    REQUIRE(at != std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file.put('x');
  }
  SECTION("a truncated file") {
    fs::resize_file(newest, fs::file_size(newest) - 10);
  }
  SECTION("an empty file") {
    fs::resize_file(newest, 0);
  }
  std::vector<std::string> lines;
  CHECK(newest_checkpoint(scratch.path(), [&](const std::string& line) { lines.push_back(line); }).step == 1);
  REQUIRE(lines.size() == 1);
  CHECK(mentions(lines[0], "step-00000002"));
  fs::resize_file(scratch / checkpoint_name(1), 3);
  CHECK(mentions(error_of(ErrorKind::data, [&] { newest_checkpoint(scratch.path()); }), "damaged"));
}

// Running out of disk at a checkpoint would cost the run what it had saved before.
TEST_CASE("a full disk leaves the earlier checkpoints whole") {
  Scratch scratch;
  write_checkpoint(scratch.path(), example(1), 1);
  {
    FullDisk full(1000);
    error_of(ErrorKind::io, [&] { write_checkpoint(scratch.path(), example(2), 1); });
  }
  CHECK(steps(scratch.path()) == std::vector<uint64_t>{1});
  CHECK(newest_checkpoint(scratch.path()).step == 1);
  CHECK(scratch.entries() == 1);
}

// What a killed process left half written would stay for ever, or be taken for a checkpoint.
TEST_CASE("leftovers of a killed process are no checkpoints and can be removed") {
  Scratch scratch;
  error_of(ErrorKind::io, [&] { newest_checkpoint(scratch.path()); });
  write_checkpoint(scratch.path(), example(1), 1);
  std::ofstream(scratch / ".step-00000002.safetensors.123.0.tmp") << "half";
  std::ofstream(scratch / "notes.txt") << "mine";
  CHECK(steps(scratch.path()) == std::vector<uint64_t>{1});
  remove_leftovers(scratch.path());
  CHECK(scratch.entries() == 2);
}
