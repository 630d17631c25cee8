# Evaluates a formula as Homebrew does: ruby formula.rb FORMULA FOLDER
# Prints each URL with its checksum. Fails if FOLDER, an unpacked archive, lacks a file that the formula installs.
class Formula
  class << self
    %i[on_macos on_linux on_arm on_intel].each { |name| define_method(name) { |&block| block.call } }
    %i[homepage license test version].each { |name| define_method(name) { |*| nil } }
    def desc(text) = (abort "the description is longer than 80 characters" if text.length > 80)
    def url(url) = @url = url
    def sha256(sum) = puts("#{@url} #{sum}")
  end

  Folder = Struct.new(:name) do
    def install(what)
      files = what.is_a?(Hash) ? what.keys : Array(what)
      abort "nothing to install into #{name}" if files.empty?
      files.each { |file| File.exist?(file) || abort("#{file} is missing") }
    end
  end
  %i[bin man1 bash_completion zsh_completion fish_completion pkgshare doc].each do |name|
    define_method(name) { Folder.new(name) }
  end
end

load File.expand_path(ARGV[0])
Dir.chdir(ARGV[1]) { Trendfetch.new.install }
