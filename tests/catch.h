#pragma once
// The one place that knows which major version of Catch2 the machine has.
#ifdef AGON_CATCH2_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
using CatchListener = Catch::EventListenerBase;
#else
#include <catch2/catch.hpp>
#ifdef CATCH_CONFIG_EXTERNAL_INTERFACES
using CatchListener = Catch::TestEventListenerBase;
#endif
#endif
