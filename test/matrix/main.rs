use std::collections::BTreeMap;
use std::thread;

fn work(seed: u64) -> u64 {
    let mut sum = seed;
    for round in 0..6u64 {
        let table: BTreeMap<u64, String> = (0..8000).map(|i| (i * seed + round, "r".repeat(i as usize % 900))).collect();
        for (key, value) in &table {
            sum = sum.wrapping_mul(6364136223846793005).wrapping_add(key + value.len() as u64);
        }
        let zeros = vec![0u8; 3_000_000];
        assert!(zeros.iter().all(|&b| b == 0));
    }
    sum
}

fn main() {
    let threads: Vec<_> = (1..4).map(|seed| thread::spawn(move || work(seed))).collect();
    for thread in threads {
        println!("{}", thread.join().unwrap());
    }
    std::process::exit(3);
}
