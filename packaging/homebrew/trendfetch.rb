class Trendfetch < Formula
  desc "Batch fetcher for YouTube's most-popular charts: many regions at once, merged"
  homepage "@repository@"
  version "@version@"
  license "MIT"

  on_macos do
    on_arm do
      url "@repository@/releases/download/v@version@/trendfetch-@version@-aarch64-apple-darwin.tar.gz"
      sha256 "@sha256 aarch64-apple-darwin@"
    end
    on_intel do
      url "@repository@/releases/download/v@version@/trendfetch-@version@-x86_64-apple-darwin.tar.gz"
      sha256 "@sha256 x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@repository@/releases/download/v@version@/trendfetch-@version@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@sha256 aarch64-unknown-linux-gnu@"
    end
    on_intel do
      url "@repository@/releases/download/v@version@/trendfetch-@version@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@sha256 x86_64-unknown-linux-gnu@"
    end
  end

  def install
    bin.install "trendfetch"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/trendfetch.bash" => "trendfetch"
    zsh_completion.install "completions/_trendfetch"
    fish_completion.install "completions/trendfetch.fish"
    pkgshare.install ".env.example"
    doc.install "docs"
  end

  test do
    assert_match "Distinct videos", shell_output("#{bin}/trendfetch --demo")
  end
end
