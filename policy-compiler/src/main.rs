//! policyc
fn main(){}
