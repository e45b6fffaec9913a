#include "core/response.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace diffverb {
namespace {

TEST(Response, GivesBackWhatWasSet) {
  Response response(at::ones({2, 1, 5}), 48000);
  EXPECT_EQ(response.ir().size(0), 2);
  EXPECT_EQ(response.sample_rate_hz(), 48000);
  EXPECT_EQ(response.names(), std::vector<std::string>{"ir"});
}

TEST(Response, NamesTheMissingTensorAndThoseThatAreThere) {
  Response response(at::ones({2, 1, 5}), 48000);
  try {
    response.transfer_function();
    FAIL() << "no error";
  } catch (const ContractError& error) {
    EXPECT_STREQ(error.what(), "response: no tensor 'transfer_function'; there are: ir");
  }
}

TEST(Response, RefusesWrongAxesAndRates) {
  EXPECT_THROW(Response(at::ones({5}), 48000), ContractError);
  EXPECT_THROW(Response(at::Tensor(), 48000), ContractError);
  EXPECT_THROW(Response(0.0), ContractError);
  EXPECT_THROW(Response().sample_rate_hz(), ContractError);
}

}  // namespace
}  // namespace diffverb
