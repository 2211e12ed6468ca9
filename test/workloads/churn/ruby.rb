# Strings and arrays built and dropped; collections forced, so that their number does not depend on stale pointers.
sum = 0
15.times do |i|
  rows = Array.new(60_000) { |j| [j, "string number #{j} of round #{i}"] }
  sum += rows.size
  rows = nil
  GC.start
end
puts sum
