#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

Checkpoint sample() {
  Checkpoint checkpoint;
  checkpoint.tensors["a"] = torch::arange(6, torch::kFloat32).reshape({2, 3});
  checkpoint.tensors["b.moment"] = torch::rand({4}, torch::kFloat64);
  checkpoint.tensors["step"] = torch::tensor(std::int64_t{1} << 60);
  checkpoint.tensors["bytes"] = torch::tensor({0, 255, 3}, torch::kUInt8);
  checkpoint.tensors["none"] = torch::empty({0, 5});
  checkpoint.texts["config"] = "model:\n  lines: 16  # \"quoted\"\n";
  return checkpoint;
}

TEST(Checkpoint, ReadsBackEveryBit) {
  const Scratch scratch;
  const Checkpoint saved = sample();
  save_checkpoint(scratch / "c", saved);
  const Checkpoint back = load_checkpoint(scratch / "c");
  EXPECT_EQ(back.texts, saved.texts);
  ASSERT_EQ(back.tensors.size(), saved.tensors.size());
  for (const auto& [name, tensor] : saved.tensors) {
    EXPECT_EQ(back.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(back.tensor(name), tensor)) << name;
  }
}

TEST(Checkpoint, ContiguousOrNotIsTheSame) {
  const Scratch scratch;
  Checkpoint checkpoint;
  checkpoint.tensors["t"] = torch::arange(6).reshape({2, 3}).t();
  save_checkpoint(scratch / "c", checkpoint);
  EXPECT_TRUE(torch::equal(load_checkpoint(scratch / "c").tensor("t"), checkpoint.tensors["t"]));
}

TEST(Checkpoint, EveryTruncatedAndEveryFlippedFileIsRefused) {
  const Scratch scratch;
  save_checkpoint(scratch / "c", sample());
  const std::string whole = read_text(scratch / "c");
  for (std::size_t i = 0; i < whole.size(); i += 3) {
    write_text(scratch / "d", whole.substr(0, i));
    EXPECT_NE(message_of<DataError>([&] { load_checkpoint(scratch / "d"); }), "no error") << "truncated at " << i;
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    write_text(scratch / "d", flipped);
    EXPECT_NE(message_of<DataError>([&] { load_checkpoint(scratch / "d"); }), "no error") << "flipped at " << i;
  }
  write_text(scratch / "d", whole + "x");
  EXPECT_NE(message_of<DataError>([&] { load_checkpoint(scratch / "d"); }), "no error");
  EXPECT_EQ(message_of<DataError>([&] { load_checkpoint(scratch / "no"); }),
            (scratch / "no").string() + ": no such file");
}

TEST(Checkpoint, AFileOfAnotherKindIsCalledThat) {
  const Scratch scratch;
  write_text(scratch / "a.flac", std::string("fLaC\0\0\0\x22", 8) + std::string(100, 'x'));
  EXPECT_EQ(message_of<DataError>([&] { load_checkpoint(scratch / "a.flac"); }),
            (scratch / "a.flac").string() + ": is no model file and no checkpoint");
  save_checkpoint(scratch / "c", sample());
  write_text(scratch / "d", read_text(scratch / "c").substr(0, 100));
  EXPECT_EQ(message_of<DataError>([&] { load_checkpoint(scratch / "d"); }),
            (scratch / "d").string() + ": not a whole checkpoint: it ends within its header");
}

TEST(Checkpoint, CopiesOnlyIntoTheSameShapeAndType) {
  const Checkpoint checkpoint = sample();
  torch::Tensor a = torch::zeros({2, 3});
  const void* storage = a.data_ptr();
  checkpoint.copy_to("a", a);
  EXPECT_TRUE(torch::equal(a, checkpoint.tensor("a")));
  EXPECT_EQ(a.data_ptr(), storage);
  EXPECT_EQ(message_of<DataError>([&] {
              checkpoint.copy_to("a", torch::zeros({3, 2}));
            }),
            "checkpoint: tensor 'a' is Float [2, 3], expected Float [3, 2]");
  EXPECT_THROW(checkpoint.copy_to("a", torch::zeros({2, 3}, torch::kFloat64)), DataError);
  EXPECT_EQ(message_of<DataError>([&] { checkpoint.tensor("stp"); }).substr(0, 52),
            "checkpoint: no tensor 'stp', did you mean 'step'? kn");
}

TEST(Checkpoint, CopiesIntoAParameterThatNeedsAGradient) {
  torch::Tensor parameter = torch::zeros({2, 3}, torch::requires_grad());
  sample().copy_to("a", parameter);
  EXPECT_TRUE(parameter.requires_grad());
  EXPECT_EQ(parameter[1][2].item<float>(), 5);
}

TEST(Checkpoint, TypesThatItCannotHoldAreRefused) {
  const Scratch scratch;
  Checkpoint checkpoint;
  checkpoint.tensors["z"] = torch::zeros({2}, torch::kComplexFloat);
  EXPECT_THROW(save_checkpoint(scratch / "c", checkpoint), ContractError);
  EXPECT_EQ(scratch.file_count(), 0u);
}

}  // namespace
}  // namespace diffverb
