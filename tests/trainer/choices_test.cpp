#include <filesystem>
#include <fstream>

#include "catch.h"
#include "gan/trainer_choices.h"
#include "io/checkpoint.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

// A resumed run would be computed by other kernels than it began with, and no longer be the same run.
TEST_CASE("the kernels that a run chose are found again, in its folder or in its checkpoint") {
  const Scratch scratch;
  const std::filesystem::path run = scratch / "run";
  std::filesystem::create_directories(run);
  CHECK(read_choices(run).empty());
  const Choices choices{{"conv 8x8", "f32_forward_64x64"}, {"matmul 3x3", "cublas 130000"}};
  write_choices(run, choices);
  CHECK(read_choices(run) == choices);

  // Somebody copied the checkpoints alone.
  Checkpoint checkpoint;
  checkpoint.step = 3;
  checkpoint.tensors.push_back({"w", Tensor::of<float>({1}, std::vector<float>{1})});
  checkpoint.metadata["kernels"] = choices_text(choices);
  write_checkpoint(run / "checkpoints", checkpoint, 1);
  std::filesystem::remove(run / "kernels.json");
  CHECK(read_choices(run) == choices);

  std::ofstream(run / "kernels.json") << "{\"half";
  CHECK(mentions(error_of(ErrorKind::data, [&] { read_choices(run); }), "kernels.json"));
}
