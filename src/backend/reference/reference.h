#pragma once
#include <memory>

#include "agon/program.h"

namespace agon {

/// The oracle: every op as a naive loop in double precision. Floats of any width are held as f64, integers
/// as i32. Meant for contractions of up to about 2e7 multiply-adds; larger ones work, but slowly.
///
/// Graphs run as they are, node by node and dead ones included; graphs that the fusion passes have rewritten
/// give the same numbers. An input's host memory (Program::input) has the declared dtype; from the first call
/// on, every run converts it, so values with more digits than f32 are fed by Program::write alone.
std::shared_ptr<Backend> make_reference_backend();

}  // namespace agon
