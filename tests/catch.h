#pragma once
// The one place that knows which major version of Catch2 the machine has.
#ifdef AGON_CATCH2_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
