//! What an account and its password mean for signing in.

use super::*;

#[tokio::test]
async fn sign_in_follows_the_account_at_once() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    house.signs_in("bob", "bob's").await.unwrap();
    house
        .signs_in("bob", "bob's")
        .await
        .expect("from the cache");
    let changed = Operation::SetPassword {
        name: "bob".into(),
        password: Secret::from("new".to_owned()),
    };
    house.perform(changed).await.unwrap();
    assert_eq!(
        house.signs_in("bob", "bob's").await,
        Err(SignInError::Wrong),
        "the old one, though it was cached"
    );
    house.signs_in("bob", "new").await.unwrap();
    house
        .import("[[users]]\nname = \"bob\"\ndisabled = true")
        .await
        .unwrap();
    assert_eq!(
        house.signs_in("bob", "new").await,
        Err(SignInError::Wrong),
        "disabled, though it was cached"
    );
    house
        .import("[[users]]\nname = \"bob\"\ndisabled = false")
        .await
        .unwrap();
    house.signs_in("bob", "new").await.expect("enabled again");
    house
        .perform(Operation::Remove {
            kind: PrincipalKind::User,
            name: "bob".into(),
            manner: Removal::Told,
        })
        .await
        .unwrap();
    assert_eq!(
        house.signs_in("bob", "new").await,
        Err(SignInError::Wrong),
        "removed, though it was cached"
    );
    assert_eq!(
        house.signs_in("room", "").await,
        Err(SignInError::Wrong),
        "a room has no password"
    );
}

#[tokio::test]
async fn who_guesses_waits_and_others_do_not() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    for _ in 0..5 {
        assert_eq!(
            house.signs_in("bob", "wrong").await,
            Err(SignInError::Wrong)
        );
    }
    assert_eq!(
        house.signs_in("bob", "bob's").await,
        Err(SignInError::Wait { seconds: 1 })
    );
    house.signs_in("alice", "secret").await.unwrap();
    let elsewhere = BasicCredentials::new("bob", "bob's");
    house
        .authenticator
        .sign_in(&elsewhere, [192, 0, 2, 1].into())
        .await
        .expect("another address");
}
