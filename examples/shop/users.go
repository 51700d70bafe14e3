package shop

import (
	"fmt"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// User is somebody who buys in the shop.
type User struct {
	ID    string // the shop's own
	Name  string
	Email string
}

// Ref names the user to Tearoff, in the shop's terms.
func (u User) Ref() models.UserRef { return models.UserRef{ID: u.ID, Email: u.Email} }

var (
	firstNames = []string{
		"Ada", "Amara", "Bela", "Bruno", "Chidi", "Clara", "Dalia", "Diego", "Elif", "Emil",
		"Farah", "Finn", "Greta", "Hana", "Henrik", "Ines", "Ivo", "Jonas", "Kaito", "Lena",
		"Malik", "Mira", "Noor", "Oskar", "Priya", "Rosa", "Samir", "Tova", "Yara", "Zoe",
	}
	lastNames = []string{
		"Adeyemi", "Alvarez", "Bakker", "Berg", "Costa", "Dubois", "Fischer", "Haddad", "Ito", "Jansen",
		"Kaya", "Lindqvist", "Moreau", "Nakamura", "Novak", "Okafor", "Petrov", "Rossi", "Silva", "Weber",
	}
)

// users makes 600 of them, always the same, each with a name of their own. Every hundred has all first names, so that a
// slice of them looks like a crowd.
func users() []User {
	list := make([]User, 0, len(firstNames)*len(lastNames))
	for i := range cap(list) {
		first, last := firstNames[i%len(firstNames)], lastNames[i/len(firstNames)]
		list = append(list, User{
			ID:    fmt.Sprintf("customer-%04d", i+1),
			Name:  first + " " + last,
			Email: strings.ToLower(first+"."+last) + "@example.com",
		})
	}
	return list
}
