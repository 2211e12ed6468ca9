# Strings, arrays, hashes, the collector and its compaction, fibres (stacks with guard pages), threads, fork.
require 'digest'
require 'zlib'

$stdout.sync = true

def digest(name, data)
  puts "#{name} #{Digest::SHA256.hexdigest(data.is_a?(String) ? data : data.inspect)[0, 16]}"
end

def rows(rounds)
  (1..rounds).sum { |i| Array.new(20_000) { |j| [j, j * i, "s#{j}"] }.sum { |a, b, s| a ^ b ^ s.size } }
end

digest 'arrays', rows(10)
table = (0...60_000).to_h { |i| ["key#{i}", 'v' * (i % 60)] }
table.delete_if { |k, _| k.end_with?('3') }
digest 'hash', table.sort
digest 'marshal', Marshal.load(Marshal.dump(table)).to_a
GC.start
text = +''
200_000.times { |i| text << "word#{i} " }
digest 'string', text
digest 'gsub', text.gsub(/word(\d)/) { "<#{$1}>" }
digest 'split', text.split.each_slice(3).map(&:last).reverse.join
digest 'zlib', Zlib::Inflate.inflate(Zlib::Deflate.deflate(text, 1))
held = {}
300.times { |i| held[i % 9] = (65 + i % 26).chr * (4096 * (1 + i * i % 500)) }
digest 'blocks', held.sort.join
held.clear
5.times { GC.start }
GC.compact
digest 'after gc', rows(4)
digest 'fibers', (0...400).map { |n| Fiber.new { |x| x += Fiber.yield(x) while x < 100; [n, x] } }
                          .map { |f| f.resume(1); f.resume(200); f.resume(1) if f.alive? }
digest 'threads', (0...6).map { |n| Thread.new { Array.new(30_000) { |j| (j * n).to_s }.join.sum } }.map(&:value)
reader, writer = IO.pipe
pid = fork do
  reader.close
  GC.start
  writer.write Digest::SHA256.hexdigest(text + rows(2).to_s)
  writer.close
  exit! 5
end
writer.close
digest 'fork', reader.read
Process.wait pid
digest 'status', $?.exitstatus
digest 'spawn', IO.popen([RbConfig.ruby, '-e', 'puts (1..100_000).map(&:to_s).join.size'], &:read)
exit 3
