#include <algorithm>
#include <cmath>
#include <map>

#include "agon/error.h"

#include "catch.h"
#include "gan/golden_systems.h"
#include "support/backends.h"

using namespace agon;

namespace {

void copy_states(Store& from, Store& to) {
  for (const std::string& name : from.names()) to.write(name, from.read(name));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Before each step the backend under test gets the teacher's weights and optimizer state: free-running fp32
/// runs diverge, and a test of them would test nothing.
void follow(const golden::System& system, const std::shared_ptr<Backend>& backend) {
  golden::Run teacher(system, open_backend("reference")), pupil(system, backend);
  std::map<std::string, std::vector<double>> errors;  // by tensor, over steps
  for (int i = 0; i < system.steps; ++i) {
    const auto step = static_cast<uint64_t>(i);
    copy_states(teacher.store(), pupil.store());
    teacher.play(step);
    pupil.play(step);
    for (const char* loss : {"loss_D", "loss_G"}) {
      const double want = teacher.scalar(loss), got = pupil.scalar(loss);
      INFO(system.name << " on " << backend->name() << " step " << step << " " << loss << ": " << got
                       << " against " << want);
      CHECK(std::abs(got - want) <= 1e-5 * std::max(1.0, std::abs(want)));
    }
    const auto theirs = teacher.gradients(), ours = pupil.gradients();
    for (size_t t = 0; t < theirs.size(); ++t)
      errors[std::to_string(ours[t].execution) + "/" + ours[t].tensor.name].push_back(
          golden::error_of(ours[t].tensor.tensor, theirs[t].tensor.tensor));
  }
  for (const auto& [name, values] : errors) {
    INFO(system.name << " on " << backend->name() << " gradient of " << name);
    CHECK(median(values) <= 1e-5);
    CHECK(*std::ranges::max_element(values) <= 0.2);  // an activation at its kink may flip
  }
}

}  // namespace

// A backend would train something else than the reference: a fused kernel, a plan or a state update is wrong.
TEST_CASE("whole iterations of every backend follow the reference, teacher-forced", "[golden][teacher]") {
  for (const auto& backend : backends_under_test("teacher-forced iterations"))
    for (const std::string& system : golden::names()) follow(golden::load(system), backend);
}

// Tiles, splits and vector loads of the widths that people train would be wrong, and those of the goldens
// right.
TEST_CASE("dcgan-cifar10 at its full width follows the reference, teacher-forced", "[golden][teacher]") {
  for (const auto& backend : backends_under_test("dcgan-cifar10 at its full width"))
    follow(golden::preset("dcgan-cifar10", 8, 20), backend);
}
