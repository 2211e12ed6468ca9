require 'digest'
digest = Digest::SHA256.new
8.times do |round|
  strings = Array.new(20000) { |i| "#{i * round}-" + 'r' * (i % 90) }
  digest.update(strings.sort.join)
  GC.start
end
threads = Array.new(3) { |i| Thread.new { Digest::SHA256.hexdigest(i.to_s * 200_000) } }
pid = fork { exit!((Array.new(5000) { |i| 'c' * i }.sum(&:size) / 1_000_000)) }
Process.wait(pid)
puts digest.hexdigest, threads.map(&:value), $?.exitstatus
exit 3
