#include "train/training/checkpoint.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/scratch.h"

namespace diffverb {
namespace {

Checkpoint sample() {
  Checkpoint checkpoint;
  checkpoint.tensors["a"] = at::arange(6, at::kFloat).reshape({2, 3});
  checkpoint.tensors["b.moment"] = at::rand({4}, at::kDouble);
  checkpoint.tensors["step"] = at::tensor(std::int64_t{1} << 60);
  checkpoint.tensors["bytes"] = at::tensor({0, 255, 3}, at::kByte);
  checkpoint.tensors["none"] = at::empty({0, 5});
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
    EXPECT_TRUE(at::equal(back.tensor(name), tensor)) << name;
  }
}

TEST(Checkpoint, ContiguousOrNotIsTheSame) {
  const Scratch scratch;
  Checkpoint checkpoint;
  checkpoint.tensors["t"] = at::arange(6).reshape({2, 3}).t();
  save_checkpoint(scratch / "c", checkpoint);
  EXPECT_TRUE(at::equal(load_checkpoint(scratch / "c").tensor("t"), checkpoint.tensors["t"]));
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
  at::Tensor a = at::zeros({2, 3});
  const void* storage = a.data_ptr();
  checkpoint.copy_to("a", a);
  EXPECT_TRUE(at::equal(a, checkpoint.tensor("a")));
  EXPECT_EQ(a.data_ptr(), storage);
  EXPECT_EQ(message_of<DataError>([&] {
              checkpoint.copy_to("a", at::zeros({3, 2}));
            }),
            "checkpoint: tensor 'a' is Float [2, 3], expected Float [3, 2]");
  EXPECT_THROW(checkpoint.copy_to("a", at::zeros({2, 3}, at::kDouble)), DataError);
  EXPECT_EQ(message_of<DataError>([&] { checkpoint.tensor("stp"); }).substr(0, 52),
            "checkpoint: no tensor 'stp', did you mean 'step'? kn");
}

TEST(Checkpoint, CopiesIntoAParameterThatNeedsAGradient) {
  at::Tensor parameter = at::zeros({2, 3}).requires_grad_();
  sample().copy_to("a", parameter);
  EXPECT_TRUE(parameter.requires_grad());
  EXPECT_EQ(parameter[1][2].item<float>(), 5);
}

TEST(Checkpoint, TypesThatItCannotHoldAreRefused) {
  const Scratch scratch;
  Checkpoint checkpoint;
  checkpoint.tensors["z"] = at::zeros({2}, at::kComplexFloat);
  EXPECT_THROW(save_checkpoint(scratch / "c", checkpoint), ContractError);
  EXPECT_EQ(scratch.file_count(), 0u);
}

}  // namespace
}  // namespace diffverb
